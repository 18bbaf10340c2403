package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// ackPatience is how long an acknowledgement may take. A local stream needs well under 1 ms, a cluster
	// some milliseconds; only an election of a leader comes near it.
	ackPatience = 5 * time.Second
	// stall is how long a publisher waits when too many messages are unacknowledged, before it is refused.
	stall = 10 * time.Millisecond
)

// Publish stores a message in the stream and returns once it is stored there. It returns an error that wraps
// ErrTopic, ErrTooLarge, ErrOverloaded, ErrUnavailable, ErrClosed or a *StorageError, or the context's.
func (b *Bus) Publish(ctx context.Context, m Msg) (Ack, error) {
	p, err := b.PublishAsync(m)
	if err != nil {
		return Ack{}, err
	}
	return p.Wait(ctx)
}

// PublishAsync sends a message and does not wait for the acknowledgement, so that a pipeline of messages takes one
// round trip. Messages sent by one goroutine are stored in the order of the calls. Errors are those of Publish.
func (b *Bus) PublishAsync(m Msg) (*Pending, error) {
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if err := CheckTopic(m.Topic); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if len(m.Payload) > b.maxPayload {
		return nil, fmt.Errorf("publish %d bytes: %w: at most %d are allowed", len(m.Payload), ErrTooLarge, b.maxPayload)
	}
	// Without retries: a message that is sent again after others would change the order.
	future, err := b.js.PublishMsgAsync(m.encode(), jetstream.WithStallWait(stall), jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, fmt.Errorf("publish: %w", b.classify(err))
	}
	return &Pending{bus: b, future: future}, nil
}

// classify wraps an error of the NATS client so that callers can tell what to do.
func (b *Bus) classify(err error) error {
	var api *jetstream.APIError
	switch {
	case b.Err() != nil:
		return b.Err()
	case errors.Is(err, jetstream.ErrTooManyStalledMsgs):
		return ErrOverloaded
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &api) && api.ErrorCode == codeTooLarge:
		return ErrTooLarge
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// codeTooLarge is JetStream's error code for a message above the stream's limit (JSStreamMessageExceedsMaximumErr).
const codeTooLarge = 10054
