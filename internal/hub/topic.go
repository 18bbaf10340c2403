package hub

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// TopicConfig bounds the log of one topic. Zero values mean the defaults.
type TopicConfig struct {
	// Policy is what a subscriber that fell behind gets. Default: Latest.
	Policy Policy
	// RingSize is the number of messages held for replay and for subscribers of All that are behind.
	// Default: 1024, at least 2. The ring grows to it as messages arrive, 8 bytes a slot.
	RingSize int
	// RingBytes is the number of payload bytes held; the newest two messages are held whatever their
	// size. Each wire format in use holds about as much again. Default: 16 MiB.
	RingBytes int
	// TTL is how long a message is held at most, by the time the stream stored it, if [Hub.Sweep] is called. A topic
	// without messages and subscribers is forgotten. Default: 0, which holds messages until newer ones replace them.
	TTL time.Duration
	// Class is what [Stats].Conflated sums the topic's count under. Default: "".
	Class string
}

const (
	defaultRingSize  = 1024
	defaultRingBytes = 16 << 20
)

func (c TopicConfig) withDefaults() TopicConfig {
	if c.RingSize <= 0 {
		c.RingSize = defaultRingSize
	}
	if c.RingBytes <= 0 {
		c.RingBytes = defaultRingBytes
	}
	c.RingSize = max(c.RingSize, 2)
	return c
}

// Reader is told when a topic it is attached to has a new message.
type Reader interface {
	// News is called on the publisher's goroutine after the message has become visible. It must not
	// block, and it may be called once more after Detach has returned.
	News(t *Topic)
}

// Topic is one named log: that of a topic, or the view of a pattern, which holds the messages of all topics that the
// pattern selects. Positions in a view are sequences: they ascend, but are not dense. All methods are safe for concurrent
// use and, but for Attach and Detach, lock-free.
type Topic struct {
	// immutable after Hub.Topic
	hub  *Hub
	name string
	view *view // of a pattern; nil for a topic

	log    log // of a topic
	policy atomic.Uint32

	conflated atomic.Uint64 // deliveries of its messages that were skipped
	touched   atomic.Bool   // somebody has looked it up since the last sweep

	// guarded by hub.writing
	views      []*Topic      // that select it
	ttl        time.Duration // see TopicConfig
	place      int           // in hub.order
	generation uint64        // of the configuration that it has
	class      string        // guarded by hub.mu too; see TopicConfig
	counted    uint64        // likewise; of conflated, what the hub has counted under earlier classes
	spared     bool          // the budget has kept its newest message
	unused     bool          // brought into being by a client, and not published to
	idle       time.Time     // since when nobody has been seen to use it; zero if somebody has

	readers     atomic.Pointer[[]Reader] // replaced as a whole, so that publishing takes no lock
	subscribers atomic.Int64

	mu sync.Mutex // serialises changes of readers
}

// newTopicLocked returns a topic that lacks what was forgotten before: it may have been of that name.
func newTopicLocked(h *Hub, name string) *Topic {
	cfg := h.configure(name).withDefaults()
	t := &Topic{hub: h, name: name, ttl: cfg.TTL, class: cfg.Class, generation: h.generation}
	t.policy.Store(uint32(cfg.Policy))
	t.log.init(cfg, h.floor.Load(), &h.budget)
	t.log.floor.Store(max(h.floor.Load(), h.forgotten))
	return t
}

// Name returns the topic's name, or the pattern.
func (t *Topic) Name() string { return t.name }

// Policy returns what a subscriber that fell behind gets. In a view it depends on each message's topic; the view itself
// has All.
func (t *Topic) Policy() Policy { return Policy(t.policy.Load()) }

// Conflated returns how many deliveries of the topic's messages were skipped because there was a newer one, also because
// the subscriber had asked for fewer.
func (t *Topic) Conflated() uint64 { return t.conflated.Load() }

// conflate counts deliveries that were skipped: of subscribers that are behind, and of paced ones.
func (t *Topic) conflate(behind, paced uint64) {
	if behind+paced == 0 {
		return
	}
	t.conflated.Add(behind + paced)
	t.hub.behind.Add(behind)
	t.hub.paced.Add(paced)
}

// Subscribers returns the number of subscriptions that the fan-outs hold.
func (t *Topic) Subscribers() int { return int(t.subscribers.Load()) }

// Head returns the position of the newest message, 0 before the first one.
func (t *Topic) Head() uint64 {
	if t.view != nil {
		return t.view.head.Load()
	}
	return t.log.head.Load()
}

// Oldest returns the position of the oldest message held; it is Head()+1 if there is none.
func (t *Topic) Oldest() uint64 {
	if t.view != nil {
		return t.view.oldest()
	}
	return t.log.oldest.Load()
}

// At returns the message of position pos, or nil if it has been overwritten or is not there yet.
func (t *Topic) At(pos uint64) *Message {
	if t.view != nil {
		return t.view.at(pos)
	}
	return t.log.ring.Load().at(pos)
}

// Attach makes the topic tell r of news from now on. A reader that must not miss any attaches first and
// looks at Head afterwards.
func (t *Topic) Attach(r Reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	readers := append(slices.Clone(t.attached()), r)
	t.readers.Store(&readers)
}

// Detach makes the topic forget r. It does nothing if r is not attached.
func (t *Topic) Detach(r Reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.attached()
	i := slices.Index(old, r)
	if i < 0 {
		return
	}
	readers := slices.Concat(old[:i], old[i+1:])
	t.readers.Store(&readers)
}

func (t *Topic) attached() []Reader {
	if p := t.readers.Load(); p != nil {
		return *p
	}
	return nil
}

// publishLocked appends m, to the views as well, and tells the readers. The topic has it first: who gets it through a
// view can rely on that.
func (t *Topic) publishLocked(m *Message) {
	t.letGoLocked()
	oldest := t.log.oldest.Load()
	t.log.add(m, t.hub.floor.Load())
	t.hub.budget.addLocked(m)
	t.droppedLocked(int(t.log.oldest.Load() - oldest))
	for _, v := range t.views {
		v.view.add(m)
	}
	t.tell()
	for _, v := range t.views {
		v.tell()
	}
}

// tell tells the readers.
func (t *Topic) tell() {
	for _, r := range t.attached() {
		r.News(t)
	}
}

// droppedLocked tells the views that the log has dropped its oldest n messages.
func (t *Topic) droppedLocked(n int) {
	if n == 0 {
		return
	}
	t.letGoLocked()
	for _, v := range t.views {
		v.view.dropped(t, n)
	}
}
