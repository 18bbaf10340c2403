package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
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

// PublishReserved is Publish for a publisher that must not wait behind others: some of the places for messages on
// their way are kept for it.
func (b *Bus) PublishReserved(ctx context.Context, m Msg) (Ack, error) {
	p, err := b.publish(m, b.outbox.reserved)
	if err != nil {
		return Ack{}, err
	}
	return p.Wait(ctx)
}

// PublishAsync sends a message and does not wait for the acknowledgement, so that a pipeline of messages takes one
// round trip. Messages of a topic sent by one goroutine are stored in the order of the calls. Errors are those of
// Publish.
//
// An external stream may be without a leader, and the connection to it may break. For up to 20 s it then holds further
// messages back, and sends those again that were not stored; they are stored once, for each has an id. An error that
// wraps ErrUnavailable comes when that did not help, or at once while the stream has been away for longer.
func (b *Bus) PublishAsync(m Msg) (*Pending, error) { return b.publish(m, b.outbox.places) }

// publish sends a message that takes one of the places.
func (b *Bus) publish(m Msg, places chan struct{}) (*Pending, error) {
	if err := b.Err(); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if err := CheckTopic(m.Topic); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if len(m.Payload) > b.maxPayload {
		return nil, fmt.Errorf("publish %d bytes: %w: at most %d are allowed", len(m.Payload), ErrTooLarge, b.maxPayload)
	}
	p := b.newPending(m, places)
	if err := b.outbox.take(places, p.deadline); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	if err := b.outbox.add(p); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return p, nil
}

// newPending returns a message that is about to be sent. On an external stream it gets an id if it has none, by which
// the stream knows it when it is sent again.
func (b *Bus) newPending(m Msg, place chan struct{}) *Pending {
	p := &Pending{bus: b, topic: m.Topic, place: place, done: make(chan struct{})}
	if b.endpoint.External {
		p.deadline = time.Now().Add(repeatFor)
		m.Payload = bytes.Clone(m.Payload) // it may be sent again after the caller has stopped to wait
		if p.named = m.MsgID == ""; p.named {
			m.MsgID = b.name + strconv.FormatUint(b.named.Add(1), 36)
		}
	}
	p.msg = m.encode()
	return p
}

// post hands a message to the connection. Repeating is left to the outbox, which keeps the order.
func (b *Bus) post(m *nats.Msg) error {
	_, err := b.js.PublishMsgAsync(m, jetstream.WithStallWait(stall), jetstream.WithRetryAttempts(0))
	return err
}

// classify wraps an error of the NATS client so that callers can tell what to do.
func (b *Bus) classify(err error) error {
	var api *jetstream.APIError
	switch {
	case b.Err() != nil:
		return b.Err()
	case errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &api) && api.ErrorCode == codeTooLarge:
		return ErrTooLarge
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// codeTooLarge is JetStream's error code for a message above the stream's limit (JSStreamMessageExceedsMaximumErr).
const codeTooLarge = 10054
