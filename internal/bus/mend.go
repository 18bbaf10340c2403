package bus

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// repeatFor is how long a message is sent again before its publisher is told that it cannot be stored. A cluster
	// elects a new leader of the stream 4 to 9 s after the old one vanished (nats-server v2.15.2, raft.go), and what was
	// on its way to the old one counts as lost after ackPatience.
	repeatFor = 20 * time.Second
	// repeatEvery is the pause between two attempts.
	repeatEvery = 200 * time.Millisecond
)

// errOvertaken is why a message is not sent again.
var errOvertaken = errors.New("a later message of the topic has been stored")

// temporary tells whether the stream may store the message if it is sent again.
func temporary(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == 503 // no leader, no quorum, a stream that is being moved
	}
	return !errors.Is(err, nats.ErrMaxPayload) && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, jetstream.ErrTooManyStalledMsgs)
}

// mend sends again what was not stored, until everything is or may not wait any longer. It waits until there is an
// answer for all messages, and begins with the oldest: each has an id by which the stream knows one that it has stored
// without an answer. A message that a later one of its topic has overtaken is not sent again, for order counts more; its
// publisher is told. New messages are held back meanwhile.
func (o *outbox) mend() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		o.drainLocked()
		failed := o.judgeLocked()
		if len(failed) == 0 {
			o.mending = false
			o.changedLocked()
			return
		}
		o.mu.Unlock()
		o.bus.pause(repeatEvery)
		o.mu.Lock()
		if o.repostLocked(failed[:1]); failed[0].ack != nil { // the stream is there again
			o.repostLocked(failed[1:])
		}
	}
}

// drainLocked waits until the stream owes no answer: it has ackPatience for each.
func (o *outbox) drainLocked() {
	for len(o.inFlight) > 0 && o.bus.Err() == nil {
		o.waitLocked(ackPatience)
	}
}

// judgeLocked gives up what may not be sent again, and returns the rest of what has failed, in order.
func (o *outbox) judgeLocked() (failed []*Pending) {
	var lost []*Pending
	stored := make(map[string]bool) // topics of which a later message has been stored
	for _, p := range slices.Backward(o.queue) {
		switch {
		case p.ack != nil && (!p.ack.Duplicate || p.repeated):
			stored[p.topic] = true
		case p.final:
		case stored[p.topic]:
			p.err = fmt.Errorf("%w: %w; before that: %w", ErrUnavailable, errOvertaken, p.err)
			lost = append(lost, p)
		default:
			if err := o.useless(p.deadline); err != nil {
				p.err = fmt.Errorf("%w; before that: %w", err, p.err)
				lost = append(lost, p)
			} else {
				failed = append(failed, p)
			}
		}
	}
	for _, p := range lost {
		o.finishLocked(p)
	}
	slices.Reverse(failed)
	return failed
}

// repostLocked sends messages once more, in order, and waits for the answers.
func (o *outbox) repostLocked(list []*Pending) {
	for _, p := range list {
		if time.Now().After(p.deadline) {
			continue // mend looks again
		}
		p.repeated, p.sent = true, time.Now()
		o.inFlight[p.msg] = p
		o.mu.Unlock()
		if err := o.post(p.msg); err != nil {
			o.answer(p.msg, nil, err)
		}
		o.mu.Lock()
	}
	o.drainLocked()
}
