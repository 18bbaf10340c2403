package hub

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// FanoutConfig is what a fan-out needs from its event loop.
type FanoutConfig struct {
	// Sink takes the messages.
	Sink Sink
	// Kick makes the loop call Work soon. It is called on the publisher's goroutine when a topic has news
	// and on the loop's when a subscription has something to catch up with; it must not block.
	Kick func()
	// Seed seeds the choice of the subscriber that a pass starts with.
	Seed uint64
	// Watcher is told when passes begin and end; nil is not.
	Watcher Watcher
	// Wake makes the loop call Work once d is over, a little later at most, in place of the last such wish. It is called
	// on the loop's goroutine, if subscriptions are paced. Nil does nothing.
	Wake func(d time.Duration)
	// Clock tells the time by which subscriptions are paced. Default: time.Now.
	Clock func() time.Time
}

// Watcher is told of the passes of one event loop, on its goroutine; it must not block. delivered and blocked are the
// fan-out's counters of that moment (see FanoutStats).
type Watcher interface {
	// Began says that a pass takes up the message with sequence seq.
	Began(seq, delivered, blocked uint64)
	// Ended says that it has been offered to everybody, or that a newer message has overtaken it, which the pass takes
	// up next.
	Ended(seq, delivered, blocked uint64, overtaken bool)
}

// Fanout delivers messages to the connections of one event loop. But for Stats, all its methods are for that
// loop's goroutine only.
//
// A message reaches the subscribers of its topic in a pass: a walk through the loop's list of them, in
// slices, which starts at another subscriber each time, so that nobody is always last. A pass that is
// overtaken by a newer message goes on where it is, with the newer one, until everybody has it: what is
// owed to the subscribers never exceeds one pass. Subscribers that need something the others do not (a
// replay, or what they missed while blocked) wait in queues of their own, and passes go first.
type Fanout struct {
	sink   Sink
	kick   func()
	random *rand.Rand
	watch  Watcher // nil for none
	wake   func(time.Duration)
	clock  func() time.Time
	began  time.Time // when the fan-out was made

	subs      slab
	histories map[SubID]history // of subscriptions to views that are replaying
	pacers    map[SubID]*pacer
	topics    map[*Topic]*audience
	audiences []*audience // by index
	vacant    []uint32    // free indices of audiences

	active   fifo[*audience] // audiences with a pass under way
	trailing fifo[SubID]     // catch-up queues, see there
	behind   fifo[SubID]
	share    int // of those behind in the budget, in quarters of a send, as far as they have not had it
	looked   int // entries of views that were searched so far
	batch    batch

	withheld withheldQueue // paced subscriptions that would get something if they were due
	now      time.Duration // since began, of the last look at the clock; kept up only if somebody is paced

	working bool    // Work is running: no kick is needed
	sending bool    // the sink is being called: ended subscriptions keep their slots until it returns
	limbo   []SubID // those slots

	news atomic.Pointer[audience] // stack of audiences whose topic has news, pushed by the publisher

	stats counters
}

// NewFanout returns a fan-out without subscriptions.
func NewFanout(cfg FanoutConfig) *Fanout {
	if cfg.Wake == nil {
		cfg.Wake = func(time.Duration) {}
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Fanout{
		sink: cfg.Sink, kick: cfg.Kick, watch: cfg.Watcher, wake: cfg.Wake, clock: cfg.Clock, began: cfg.Clock(),
		random: rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)),
		topics: make(map[*Topic]*audience), histories: make(map[SubID]history),
		pacers: make(map[SubID]*pacer),
	}
}

// Subscribe gives conn, which has the subscriptions that start with first, another one: to t, a topic or a view, from
// cursor c on, which t has made. It returns the connection's new first subscription. What the topic already holds after
// the cursor is delivered by the next calls of Work; if it is more than the newest message, that is a replay: in order
// and without skips also for Latest, unless the ring overwrites it.
//
// A connection gets the messages of all its subscriptions in the order of their sequences, and one that several of them
// select once. It may subscribe and unsubscribe at any time. Only a replay that begins later than other subscriptions goes
// back: then lower sequences come again, also of messages that the others have brought, and it is overrun like any other.
// What was withheld from a paced one may come behind higher sequences; the sink gets it without an id to resume from.
//
// The caller sees to it that a connection subscribes to a topic only once. How a message is encoded is the sink's affair,
// for a connection speaks one protocol.
func (f *Fanout) Subscribe(first SubID, conn int32, t *Topic, c Cursor) SubID {
	a := f.audience(t)
	id := f.subs.take()
	s := f.subs.at(id)
	*s = subscription{cursor: c.at, conn: conn, audience: a.index, place: a.add(id), next: id}
	t.subscribers.Add(1)
	f.stats.subscriptions.Store(uint64(f.subs.live))
	if first == 0 {
		first = id
	} else {
		before := f.subs.at(first)
		s.next, before.next = before.next, id
	}
	if c.interval > 0 {
		f.pace(id, s, c)
	}
	if head := t.Head(); a.settle(s, head) < head {
		f.replay(a, id, head, c.history)
		f.queue(id, s)
	} else if t.view != nil {
		s.cursor = max(s.cursor, mark(c.until)) // there is nothing in between
	}
	return first
}

// replay makes a new subscription one that wants what is there in order, if there is more than the newest message.
func (f *Fanout) replay(a *audience, id SubID, head uint64, h history) {
	s := f.subs.at(id)
	switch {
	case s.is(paced):
		return
	case a.topic.view != nil && h.until != 0:
		f.histories[id] = h
	case a.topic.view != nil || a.topic.Policy() != Latest || head-uint64(s.cursor) <= 1:
		return
	}
	s.set(replaying)
}

// Unsubscribe ends the subscription to t of the connection whose subscriptions start with first, and returns
// its new first one, 0 if that was the last. It does nothing if the connection is not subscribed to t.
func (f *Fanout) Unsubscribe(first SubID, t *Topic) SubID {
	if first == 0 {
		return 0
	}
	before := f.subs.at(first)
	for id := before.next; ; id = before.next {
		s := f.subs.at(id)
		if f.audienceOf(s).topic == t {
			return f.unlink(before, id, first)
		}
		if id == first {
			return first
		}
		before = s
	}
}

// unlink ends a subscription, and leaves the connection's others in their ring and the catch-up queue.
func (f *Fanout) unlink(before *subscription, id, first SubID) SubID {
	s := f.subs.at(id)
	next, waiting := s.next, s.is(queued)
	before.next = next
	s.next = id
	f.end(id, s)
	if next == id {
		return 0
	}
	if waiting {
		f.queue(next, f.subs.at(next))
	}
	if first == id {
		return next
	}
	return first
}

// UnsubscribeAll ends all subscriptions of the connection whose subscriptions start with first. The caller
// must forget first.
func (f *Fanout) UnsubscribeAll(first SubID) {
	for id := first; id != 0; {
		s := f.subs.at(id)
		next := s.next
		f.end(id, s)
		if id = next; id == first {
			return
		}
	}
}

// Resume goes on with the connection whose subscriptions start with first and which was Blocked: what it has
// missed is delivered by the next calls of Work, as its topics' policies say.
func (f *Fanout) Resume(first SubID) {
	if first != 0 && f.owes(first) {
		f.queue(first, f.subs.at(first))
	}
}

// Close ends all subscriptions and detaches the fan-out from its topics. It must not be used any more.
func (f *Fanout) Close() {
	for t, a := range f.topics {
		t.Detach(a)
		t.subscribers.Add(-int64(a.live))
		a.closed = true
	}
	f.topics, f.audiences, f.subs, f.histories = nil, nil, slab{}, nil
	f.active, f.trailing, f.behind = fifo[*audience]{}, fifo[SubID]{}, fifo[SubID]{}
	f.pacers, f.withheld = nil, withheldQueue{}
	f.stats.subscriptions.Store(0)
}

// end takes one subscription away. Its slot is free for others once nothing refers to it any more.
func (f *Fanout) end(id SubID, s *subscription) {
	if s.conn == noConn {
		panic("BUG: hub: subscription ended twice")
	}
	a := f.audienceOf(s)
	a.remove(s.place)
	a.topic.subscribers.Add(-1)
	if a.slowest == id {
		a.settled()
	}
	s.conn = noConn
	if s.is(replaying) {
		delete(f.histories, id)
	}
	if s.is(paced) {
		f.unpace(id, s)
	}
	switch {
	case s.is(queued): // given back when its turn comes
	case f.sending:
		f.limbo = append(f.limbo, id)
	default:
		f.give(id)
	}
	if a.live == 0 {
		f.leave(a)
	}
}

func (f *Fanout) audienceOf(s *subscription) *audience { return f.audiences[s.audience&^flags] }

func (f *Fanout) give(id SubID) {
	f.subs.give(id)
	f.stats.subscriptions.Store(uint64(f.subs.live))
}

// audience returns the loop's subscribers of t; it attaches to t for the first one.
func (f *Fanout) audience(t *Topic) *audience {
	if a := f.topics[t]; a != nil {
		return a
	}
	a := &audience{fanout: f, topic: t, holes: noHole}
	if n := len(f.vacant); n > 0 {
		a.index = f.vacant[n-1]
		f.vacant = f.vacant[:n-1]
		f.audiences[a.index] = a
	} else {
		a.index = uint32(len(f.audiences))
		f.audiences = append(f.audiences, a)
	}
	f.topics[t] = a
	t.Attach(a)
	return a
}

// leave detaches an audience that has nobody left.
func (f *Fanout) leave(a *audience) {
	a.topic.Detach(a)
	a.closed = true
	delete(f.topics, a.topic)
	f.audiences[a.index] = nil
	f.vacant = append(f.vacant, a.index)
}
