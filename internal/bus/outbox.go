package bus

import (
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// outbox holds the messages that are on their way to the stream, in the order they were sent. If one is not stored
// because the stream has no leader or the connection broke, see mend. It is safe for concurrent use.
//
// The NATS client calls answer with a lock held that sending needs too: mu is never held while something is sent.
type outbox struct {
	// immutable
	bus      *Bus
	post     func(*nats.Msg) error // hands a message to the connection
	repeats  bool                  // messages have ids and are sent again
	places   chan struct{}         // one for each message on its way
	reserved chan struct{}         // likewise, for those of PublishReserved

	sending sync.Mutex // keeps the order between admission and sending

	mu       sync.Mutex
	queue    []*Pending             // guarded by mu; in the order sent, from the oldest without its final answer on
	inFlight map[*nats.Msg]*Pending // guarded by mu; those that the stream owes an answer
	mending  bool                   // guarded by mu; mend is running, and nothing new is sent
	changed  chan struct{}          // guarded by mu; closed at the next change, nil if nobody waits for it
}

const (
	// reservedPlaces is more than the feed uses, which sends one message at a time.
	reservedPlaces = 8
	// holdAfter is how long the stream may owe an answer before nothing further is sent. It is less than an election
	// takes: a new leader must not store a message before an older one that was lost with the old leader.
	holdAfter = time.Second
	// holdPoll is how often a message that is held back looks whether waiting is of any use.
	holdPoll = 50 * time.Millisecond
)

func newOutbox(b *Bus, maxPending int) *outbox {
	return &outbox{
		bus: b, post: b.post, repeats: b.endpoint.External, inFlight: make(map[*nats.Msg]*Pending),
		places: make(chan struct{}, maxPending), reserved: make(chan struct{}, reservedPlaces),
	}
}

// take waits for one of the places: a moment, and longer only while messages are held back.
func (o *outbox) take(places chan struct{}, deadline time.Time) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	for wait := stall; ; wait = holdPoll {
		select {
		case places <- struct{}{}:
			return nil
		case <-o.bus.done:
			return o.bus.Err()
		case <-time.After(wait):
		}
		if !o.holding() {
			return ErrOverloaded
		}
		if err := o.useless(deadline); err != nil {
			return err
		}
	}
}

// add sends a message, or holds it back for a while.
func (o *outbox) add(p *Pending) error {
	o.sending.Lock()
	defer o.sending.Unlock()
	msg := p.msg // which an answer takes out of p
	if err := o.admit(p); err != nil {
		<-p.place
		return err
	}
	err := o.post(msg)
	if err == nil {
		return nil
	}
	if o.repeats && temporary(err) {
		o.answer(msg, nil, err)
		return nil
	}
	o.forget(p)
	return o.bus.classify(err)
}

// admit waits while messages are held back, and puts p into the queue.
func (o *outbox) admit(p *Pending) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for first := true; first || o.heldLocked(); first = false {
		if err := o.useless(p.deadline); err != nil {
			return err
		}
		if o.heldLocked() {
			o.waitLocked(holdPoll)
		}
	}
	p.sent = time.Now()
	o.queue = append(o.queue, p)
	o.inFlight[p.msg] = p
	return nil
}

// heldLocked tells whether new messages are held back.
func (o *outbox) heldLocked() bool {
	return o.repeats && (o.mending || len(o.queue) > 0 && time.Since(o.queue[0].sent) > holdAfter)
}

func (o *outbox) holding() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.heldLocked()
}

// useless returns an error if there is no point in waiting for the stream, or not any more.
func (o *outbox) useless(deadline time.Time) error {
	if err := o.bus.Err(); err != nil {
		return err
	}
	if !o.repeats {
		return nil
	}
	if err := o.bus.health.lasting(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if time.Now().After(deadline) {
		return fmt.Errorf("%w: it has stored nothing for %v", ErrUnavailable, repeatFor)
	}
	return nil
}

// answer takes what the stream, or the connection, has to say about a message.
func (o *outbox) answer(m *nats.Msg, ack *jetstream.PubAck, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.inFlight[m]
	if p == nil {
		return
	}
	delete(o.inFlight, m)
	p.ack, p.err = ack, err
	switch {
	case err == nil || !o.repeats || !temporary(err):
		o.finishLocked(p)
	case !o.mending:
		o.mending = true
		go o.mend()
	}
	o.changedLocked()
}

// forget takes back a message that could not be sent, unless it was answered by then: a connection that breaks answers all that are on their way.
func (o *outbox) forget(p *Pending) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !p.final {
		delete(o.inFlight, p.msg)
		o.finishLocked(p)
	}
}

// withdraw lets a message that nobody waits for not be sent again.
func (o *outbox) withdraw(p *Pending) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.deadline = time.Now()
}

// finishLocked makes p's answer final. What is finished stays in the queue while something older is not, for order is
// judged by it, but its bytes do not.
func (o *outbox) finishLocked(p *Pending) {
	p.final, p.msg = true, nil
	close(p.done)
	<-p.place
	n := 0
	for n < len(o.queue) && o.queue[n].final {
		o.queue[n] = nil
		n++
	}
	o.queue = o.queue[n:]
}

// waitLocked waits for a change, but no longer than d.
func (o *outbox) waitLocked(d time.Duration) {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	changed := o.changed
	o.mu.Unlock()
	defer o.mu.Lock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
	case <-o.bus.done:
	case <-timer.C:
	}
}

func (o *outbox) changedLocked() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}
