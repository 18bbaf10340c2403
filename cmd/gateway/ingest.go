package main

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"sync/atomic"

	"tickgate/internal/admin"
	"tickgate/internal/bus"
	"tickgate/internal/config"
	"tickgate/internal/metrics"
	"tickgate/internal/publish"
)

// ingest is the publish API on the private listener. It is there before the bus is, for the listener shows from the
// beginning what the gateway waits for.
type ingest struct {
	*publish.Handler
	bus atomic.Pointer[bus.Bus] // nil until it has been opened
}

// newIngest adds the API to the listener.
func newIngest(cfg *config.Config, who func(net.Addr) publish.Authorizer, listener *admin.Server) *ingest {
	in := &ingest{}
	in.Handler = publish.New(publish.Config{
		Publisher: in, Authorizer: who(listener.Addr()), MaxMessage: int(cfg.Topics.MaxMessage),
	})
	in.Register(listener.Handle)
	return in
}

// PublishAsync implements publish.Publisher.
func (in *ingest) PublishAsync(m bus.Msg) (publish.Pending, error) {
	b := in.bus.Load()
	if b == nil {
		return nil, fmt.Errorf("%w: it is being opened", bus.ErrUnavailable)
	}
	return stream{b}.PublishAsync(m)
}

// Epoch implements publish.Publisher.
func (in *ingest) Epoch() string { return in.bus.Load().Epoch() }

// measure adds the API's numbers to m.
func (in *ingest) measure(m *metrics.Snapshot) {
	if m.Bus == nil {
		m.Bus = &metrics.Bus{}
	}
	addPublished(m.Bus, in.Stats())
}

// addPublished adds a publisher's numbers.
func addPublished(b *metrics.Bus, s publish.Stats) {
	b.Publishes += s.Stored + s.Duplicates
	for _, code := range slices.Sorted(maps.Keys(s.Failed)) {
		addCount(&b.Errors, code, s.Failed[code])
	}
}

// addCount adds n to the label's count.
func addCount(counts *[]metrics.Count, label string, n uint64) {
	for i := range *counts {
		if (*counts)[i].Label == label {
			(*counts)[i].N += n
			return
		}
	}
	*counts = append(*counts, metrics.Count{Label: label, N: n})
}
