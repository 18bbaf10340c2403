package hub

import (
	"slices"
	"sync"
	"sync/atomic"
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

// Topic is one named log. All methods are safe for concurrent use and, but for Attach and Detach, lock-free.
type Topic struct {
	// immutable after Hub.Topic
	hub    *Hub
	name   string
	policy Policy

	log log

	readers     atomic.Pointer[[]Reader] // replaced as a whole, so that publishing takes no lock
	subscribers atomic.Int64

	mu sync.Mutex // serialises changes of readers
}

func newTopic(h *Hub, name string, cfg TopicConfig) *Topic {
	cfg = cfg.withDefaults()
	t := &Topic{hub: h, name: name, policy: cfg.Policy}
	t.log.init(cfg, h.floor.Load())
	return t
}

// Name returns the topic's name.
func (t *Topic) Name() string { return t.name }

// Policy returns what a subscriber that fell behind gets.
func (t *Topic) Policy() Policy { return t.policy }

// Subscribers returns the number of subscriptions that the fan-outs hold.
func (t *Topic) Subscribers() int { return int(t.subscribers.Load()) }

// Head returns the position of the newest message, 0 before the first one.
func (t *Topic) Head() uint64 { return t.log.head.Load() }

// Oldest returns the position of the oldest message held; it is Head()+1 if there is none.
func (t *Topic) Oldest() uint64 { return t.log.oldest.Load() }

// At returns the message of position pos, or nil if it has been overwritten or is not there yet.
func (t *Topic) At(pos uint64) *Message { return t.log.ring.Load().at(pos) }

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

// publish appends m and tells the readers.
func (t *Topic) publish(m *Message) {
	t.log.add(m, t.hub.floor.Load())
	for _, r := range t.attached() {
		r.News(t)
	}
}
