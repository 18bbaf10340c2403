package feed

import "context"

// none is the feed without messages.
type none struct{}

// Run implements Feed: it waits for the context's end.
func (none) Run(ctx context.Context, _ Publish) error {
	<-ctx.Done()
	return nil
}

// Stats implements Feed.
func (none) Stats() Stats { return Stats{} }
