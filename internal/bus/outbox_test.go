package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fakeStream stands in for a stream on a cluster: it stores what it is sent, once for each id, unless a test decides
// otherwise. Safe for concurrent use.
type fakeStream struct {
	bus *Bus

	mu     sync.Mutex
	stored []string          // guarded by mu; payloads
	known  map[string]uint64 // guarded by mu; sequences by id
	sent   []string          // guarded by mu; payloads of all attempts
	decide func(payload string) verdict
}

// verdict is what becomes of an attempt.
type verdict int

const (
	store    verdict = iota
	refuse           // no leader
	swallow          // stored, and the answer is lost
	stayMute         // stored, and the answer comes later: see fakeStream.say
)

// newFakeStream returns a bus on a fake stream.
func newFakeStream(t *testing.T, decide func(string) verdict) *fakeStream {
	t.Helper()
	b := newBus(testLogger(t))
	b.endpoint.External, b.maxPayload = true, 1000
	f := &fakeStream{bus: b, known: map[string]uint64{}, decide: decide}
	b.outbox = newOutbox(b, 4)
	b.outbox.post = f.post
	t.Cleanup(func() {
		b.fail(ErrClosed)
		waitFor(t, "end of mending", func() bool { return !b.outbox.mendingNow() })
	})
	return f
}

func (o *outbox) mendingNow() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mending
}

func (f *fakeStream) post(m *nats.Msg) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	payload := string(m.Data)
	f.sent = append(f.sent, payload)
	v := f.decide(payload)
	if v == refuse {
		go f.bus.outbox.answer(m, nil, jetstream.ErrNoStreamResponse)
		return nil
	}
	ack := f.storeLocked(m)
	switch v {
	case store:
		go f.bus.outbox.answer(m, ack, nil)
	case swallow:
		go f.bus.outbox.answer(m, nil, jetstream.ErrAsyncPublishTimeout)
	}
	return nil
}

func (f *fakeStream) storeLocked(m *nats.Msg) *jetstream.PubAck {
	id := m.Header.Get(jetstream.MsgIDHeader)
	if seq, ok := f.known[id]; ok {
		return &jetstream.PubAck{Sequence: seq, Duplicate: true}
	}
	f.stored = append(f.stored, string(m.Data))
	f.known[id] = uint64(len(f.stored))
	return &jetstream.PubAck{Sequence: f.known[id]}
}

func (f *fakeStream) holds() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.stored)
}

func (f *fakeStream) attempts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

// send publishes payloads 0, 1, … without waiting.
func (f *fakeStream) send(t *testing.T, topics ...string) (list []*Pending) {
	t.Helper()
	for i, topic := range topics {
		p, err := f.bus.PublishAsync(Msg{Topic: topic, Payload: fmt.Append(nil, i)})
		if err != nil {
			t.Fatalf("PublishAsync: %v", err)
		}
		list = append(list, p)
	}
	return list
}

// An election loses some messages and the answers of others: all are stored once and in order.
func TestElectionKeepsOrder(t *testing.T) {
	t.Parallel()
	first := map[string]verdict{"0": swallow, "1": refuse, "2": refuse, "3": refuse}
	tries := map[string]int{}
	f := newFakeStream(t, func(payload string) verdict {
		tries[payload]++
		if tries[payload] <= 2 {
			return first[payload]
		}
		return store
	})
	pending := f.send(t, "a", "a", "b", "a")
	for i, p := range pending {
		ack, err := p.Wait(t.Context())
		if err != nil || ack.Seq != uint64(i+1) || ack.Duplicate {
			t.Errorf("message %d: got %+v, %v, want sequence %d, and no duplicate of an id that nobody gave", i, ack, err, i+1)
		}
	}
	if got, want := f.holds(), []string{"0", "1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("stored: got %v, want %v", got, want)
	}
}

// A connection that breaks answers the message that it then says it could not send: the caller gets the error, once, and the place is free again.
func TestAnsweredAndNotSent(t *testing.T) {
	t.Parallel()
	f := newFakeStream(t, nil)
	o := f.bus.outbox
	o.repeats = false
	for _, answered := range []bool{true, false} {
		o.post = func(m *nats.Msg) error {
			if answered {
				o.answer(m, nil, nats.ErrConnectionClosed)
			}
			return nats.ErrConnectionClosed
		}
		for range 2 * cap(o.places) {
			if _, err := f.bus.PublishAsync(Msg{Topic: "a", Payload: []byte("x")}); !errors.Is(err, ErrUnavailable) {
				t.Fatalf("answered %t: got %v, want %v", answered, err, ErrUnavailable)
			}
		}
	}
	if len(o.places) != 0 || len(o.queue) != 0 || len(o.inFlight) != 0 {
		t.Errorf("got %d places taken, %d messages queued and %d in flight, want none", len(o.places), len(o.queue), len(o.inFlight))
	}
}

// A message that is not admitted gives its place back.
func TestNotAdmitted(t *testing.T) {
	t.Parallel()
	o := newFakeStream(t, func(string) verdict { return store }).bus.outbox
	for range 2 * cap(o.places) {
		o.places <- struct{}{}
		late := &Pending{bus: o.bus, place: o.places, done: make(chan struct{}), msg: nats.NewMsg("a"), deadline: time.Now().Add(-time.Second)}
		if err := o.add(late); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("got %v, want %v", err, ErrUnavailable)
		}
	}
	if len(o.places) != 0 {
		t.Errorf("got %d places taken, want none", len(o.places))
	}
}

// While something is being mended, or the stream owes an answer for long, nothing new is sent.
func TestHoldBack(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	f := newFakeStream(t, func(payload string) verdict {
		select {
		case <-gate:
			return store
		default:
			return refuse
		}
	})
	pending := f.send(t, "a")
	waitFor(t, "mending", f.bus.outbox.mendingNow)
	second := make(chan error, 1)
	go func() {
		_, err := f.bus.Publish(t.Context(), Msg{Topic: "b", Payload: []byte("new")})
		second <- err
	}()
	waitFor(t, "two more attempts", func() bool { return f.attempts() >= 3 })
	f.mu.Lock()
	if slices.Contains(f.sent, "new") {
		t.Error("a new message was sent while an older one waits to be sent again")
	}
	f.mu.Unlock()
	close(gate)
	if _, err := pending[0].Wait(t.Context()); err != nil {
		t.Errorf("first message: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("second message: %v", err)
	}
	if got, want := f.holds(), []string{"0", "new"}; !slices.Equal(got, want) {
		t.Errorf("stored: got %v, want %v", got, want)
	}
}

// A message that a later one of its topic has overtaken is not stored behind it; one of another topic is.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	refusals := map[string]int{"0": 1, "1": 1}
	f := newFakeStream(t, func(payload string) verdict {
		refusals[payload]--
		if refusals[payload] >= 0 {
			return refuse
		}
		return store
	})
	release := holdAnswers(f)
	pending := f.send(t, "a", "b", "a")
	release()
	if _, err := pending[0].Wait(t.Context()); !errors.Is(err, ErrUnavailable) || !errors.Is(err, errOvertaken) {
		t.Errorf("message that was overtaken: got %v, want %v", err, errOvertaken)
	}
	for _, p := range pending[1:] {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Errorf("other message: %v", err)
		}
	}
	if got, want := f.holds(), []string{"2", "1"}; !slices.Equal(got, want) {
		t.Errorf("stored: got %v, want %v", got, want)
	}
}

// holdAnswers makes answers wait until release is called.
func holdAnswers(f *fakeStream) (release func()) {
	gate := make(chan struct{})
	post := f.bus.outbox.post
	var waiting sync.WaitGroup
	inner := f.bus.outbox
	f.bus.outbox.post = func(m *nats.Msg) error {
		select {
		case <-gate:
			return post(m)
		default:
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sent = append(f.sent, string(m.Data))
		v := f.decide(string(m.Data))
		var ack *jetstream.PubAck
		err := error(jetstream.ErrNoStreamResponse)
		if v == store {
			ack, err = f.storeLocked(m), nil
		}
		waiting.Go(func() {
			<-gate
			inner.answer(m, ack, err)
		})
		return nil
	}
	return func() {
		close(gate)
		waiting.Wait()
	}
}

// Trouble that lasts is told at once, and to those who wait.
func TestLastingTrouble(t *testing.T) {
	t.Parallel()
	f := newFakeStream(t, func(string) verdict { return refuse })
	pending := f.send(t, "a")
	f.bus.health.line.Store(&trouble{err: errors.New("the line is cut"), since: time.Now().Add(-time.Hour), limit: outagePatience})
	if _, err := pending[0].Wait(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("message on its way: got %v, want %v", err, ErrUnavailable)
	}
	before := f.attempts()
	if _, err := f.bus.Publish(t.Context(), Msg{Topic: "a"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("new message: got %v, want %v", err, ErrUnavailable)
	}
	if got := f.attempts(); got != before {
		t.Errorf("attempts: got %d, want none beyond %d", got, before)
	}
}

// A message is not sent again once nobody waits for it.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	f := newFakeStream(t, func(string) verdict { return refuse })
	ctx, cancel := context.WithCancel(t.Context())
	pending := f.send(t, "a")
	cancel()
	if _, err := pending[0].Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: got %v, want %v", err, context.Canceled)
	}
	waitFor(t, "end of mending", func() bool { return !f.bus.outbox.mendingNow() })
}

// Places that others have taken do not keep the one out that some are reserved for.
func TestReservedPlaces(t *testing.T) {
	t.Parallel()
	f := newFakeStream(t, func(payload string) verdict {
		if payload == "tick" {
			return store
		}
		return stayMute
	})
	f.send(t, "a", "b", "c", "d") // all places
	if _, err := f.bus.PublishAsync(Msg{Topic: "e"}); !errors.Is(err, ErrOverloaded) && !errors.Is(err, ErrUnavailable) {
		t.Errorf("message without a place: got %v, want %v", err, ErrOverloaded)
	}
	f.bus.outbox.repeats = false // an answer that is owed for long would hold the tick back, as is right on a cluster
	if _, err := f.bus.PublishReserved(t.Context(), Msg{Topic: "ticks", Payload: []byte("tick")}); err != nil {
		t.Errorf("PublishReserved: %v", err)
	}
}
