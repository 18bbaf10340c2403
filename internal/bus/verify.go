package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// missingTimes is how often in a row the server must know no such stream before it counts as lost: a
	// cluster that is electing its leader may deny it for a moment.
	missingTimes = 3
	verifyEvery  = 500 * time.Millisecond
)

// verify fails the bus if the stream is gone or another one. While the server does not answer it keeps asking.
// It returns at once if it is running already. An external stream is left to watch.
func (b *Bus) verify() {
	if b.look != nil {
		select {
		case b.look <- struct{}{}:
		default:
		}
		return
	}
	if !b.verifying.CompareAndSwap(false, true) {
		return
	}
	defer b.verifying.Store(false)
	for missing := 0; missing < missingTimes; b.pause(verifyEvery) {
		if b.Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), ackPatience)
		stream, err := b.js.Stream(ctx, Stream)
		cancel()
		switch {
		case err == nil && epochOf(stream.CachedInfo()) == b.Epoch():
			return
		case err == nil:
			missing = missingTimes
		case errors.Is(err, jetstream.ErrStreamNotFound):
			missing++
		}
	}
	b.fail(ErrStreamLost)
}

// pause waits, or until the bus ends.
func (b *Bus) pause(d time.Duration) {
	select {
	case <-b.done:
	case <-time.After(d):
	}
}
