package publish

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tickgate/internal/bus"
	"tickgate/internal/envelope"
)

// RelayConfig is what a relay needs. Publisher has no default.
type RelayConfig struct {
	Publisher Publisher
	// MaxMessage is the size of the largest payload in bytes. Default: 64 KiB.
	MaxMessage int
	// Window is the number of messages that may be on their way to the stream. Default: 4096.
	Window int
	// WindowBytes bounds their payloads; a single larger one passes alone. Default: 16 MiB.
	WindowBytes int
}

func (c RelayConfig) withDefaults() RelayConfig {
	c.MaxMessage = cmp.Or(c.MaxMessage, 64<<10)
	c.Window = cmp.Or(c.Window, 4096)
	c.WindowBytes = cmp.Or(c.WindowBytes, 16<<20)
	return c
}

// Relay publishes for those who must not wait, the event loops: messages are stored in the order in which they were handed
// over, and outcomes come later. It is safe for concurrent use.
type Relay struct {
	config RelayConfig
	counts counters

	mu     sync.Mutex
	closed bool         // guarded by mu: nothing is sent on queue any more
	queue  chan relayed // messages for the stream

	sent    chan relayed // messages that the stream has to acknowledge
	bytes   atomic.Int64 // payloads on their way
	flying  atomic.Int64 // messages on their way
	ended   sync.WaitGroup
	ctx     context.Context // ends when the stream's acknowledgements are no longer waited for
	abandon context.CancelFunc
}

// relayed is a message on its way.
type relayed struct {
	msg     bus.Msg
	done    func(envelope.Stored, *envelope.Error)
	pending Pending // in sent; undefined if there is an err
	err     error
}

// NewRelay starts the two goroutines of a relay: one that hands messages to the stream, and one that waits for it.
func NewRelay(cfg RelayConfig) *Relay {
	cfg = cfg.withDefaults()
	r := &Relay{config: cfg, queue: make(chan relayed, cfg.Window), sent: make(chan relayed, cfg.Window)}
	r.ctx, r.abandon = context.WithCancel(context.Background())
	r.ended.Go(r.send)
	r.ended.Go(r.acknowledge)
	return r
}

// closePatience bounds how long Close waits for acknowledgements.
const closePatience = 2 * time.Second

// Close waits for what is on its way, 2 s at most, and ends the goroutines. Every message handed over gets its outcome.
func (r *Relay) Close() {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.closed = true
	close(r.queue)
	r.mu.Unlock()
	defer time.AfterFunc(closePatience, r.abandon).Stop()
	r.ended.Wait()
	r.abandon()
}

// Check returns what is wrong with a message, nil if nothing is.
func (r *Relay) Check(p *envelope.Publication) *envelope.Error {
	err := checkMessage(bus.Msg{Topic: p.Topic, Event: p.Event, MsgID: p.MsgID})
	if err == nil && len(p.Payload) > r.config.MaxMessage {
		err = tooLarge("payload", r.config.MaxMessage)
	}
	if err == nil {
		return nil
	}
	return r.fault(err)
}

// Publish hands over a message that Check has let pass. done is called with the outcome, once and on another goroutine; it
// must not block. Publish returns false, and done is not called, if too many are on their way.
func (r *Relay) Publish(p envelope.Publication, done func(envelope.Stored, *envelope.Error)) bool {
	if !r.reserve(len(p.Payload)) {
		return false
	}
	m := bus.Msg{Topic: p.Topic, Payload: p.Payload, Event: p.Event, MsgID: p.MsgID}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.release(len(p.Payload))
		return false
	}
	r.queue <- relayed{msg: m, done: done} // there is room: no more than Window are reserved
	return true
}

// reserve takes a place for a message of n bytes, if there is one.
func (r *Relay) reserve(n int) bool {
	if r.flying.Add(1) > int64(r.config.Window) {
		r.flying.Add(-1)
		return false
	}
	if bytes := r.bytes.Add(int64(n)); bytes > int64(r.config.WindowBytes) && bytes > int64(n) {
		r.release(n)
		return false
	}
	return true
}

func (r *Relay) release(n int) {
	r.bytes.Add(-int64(n))
	r.flying.Add(-1)
}

// send hands messages to the stream. While that is busy the queue fills, and then clients are told so.
func (r *Relay) send() {
	defer close(r.sent)
	for m := range r.queue {
		for start := time.Now(); ; {
			m.pending, m.err = r.config.Publisher.PublishAsync(m.msg)
			if !errors.Is(m.err, bus.ErrOverloaded) || r.ctx.Err() != nil || time.Since(start) > takePatience {
				break
			}
		}
		r.sent <- m
	}
}

// acknowledge waits for the stream and tells the outcomes.
func (r *Relay) acknowledge() {
	for m := range r.sent {
		var ack bus.Ack
		if m.err == nil {
			ack, m.err = m.pending.Wait(r.ctx)
		}
		r.release(len(m.msg.Payload))
		if m.err != nil {
			m.done(envelope.Stored{}, r.fault(m.err))
			continue
		}
		r.counts.store(ack)
		id := r.config.Publisher.Epoch() + "-" + strconv.FormatUint(ack.Seq, 10)
		m.done(envelope.Stored{ID: id, Duplicate: ack.Duplicate}, nil)
	}
}

// fault says what an error means to a client, and counts it.
func (r *Relay) fault(err error) *envelope.Error {
	p := problemOf(err)
	r.counts.fail(p.code)
	return &envelope.Error{Code: p.code, Message: p.message}
}

// Stats returns the relay's counts. Refusals because of permissions are the session's.
func (r *Relay) Stats() Stats { return r.counts.snapshot() }
