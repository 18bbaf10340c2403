package hub

import (
	"maps"
	"sync/atomic"
	"time"
)

// Stats is a snapshot of a hub's counters.
type Stats struct {
	Topics    int
	Views     int // patterns that somebody is or was just subscribed to
	LastSeq   uint64
	Published uint64 // messages appended to a log
	Repeated  uint64 // publications refused because their sequence was not new
	Untracked uint64 // publications without a log, for want of room for the topic
	Gaps      uint64 // publications before which the stream had lost messages
	Bytes     int64  // what all topics take of Config.MaxBytes
	Evicted   uint64 // messages dropped because Config.MaxBytes was reached
	// Conflated is how many deliveries were skipped because there was a newer message, by TopicConfig.Class.
	Conflated map[string]uint64
	// Behind is how many of these were skipped because the subscriber fell behind, and Paced because it had asked for fewer.
	Behind, Paced uint64

	MaxLag uint64 // messages that the slowest subscriber of any topic was behind in its last pass
	// MaxLagTime is how long the oldest message that any slowest subscriber had not got has been here.
	MaxLagTime time.Duration
}

// Stats returns a snapshot. Safe for concurrent use; it takes time in proportion to the number of topics.
func (h *Hub) Stats() Stats {
	s := Stats{
		LastSeq:   h.LastSeq(),
		Published: h.published.Load(), Repeated: h.repeated.Load(), Untracked: h.untracked.Load(),
		Behind: h.behind.Load(), Paced: h.paced.Load(),
		Gaps: h.gaps.Load(), Bytes: h.budget.used.Load(), Evicted: h.budget.evicted.Load(),
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.Topics, s.Views = len(h.topics), len(h.views)
	s.Conflated = maps.Clone(h.conflated)
	for _, t := range h.topics {
		s.Conflated[t.class] += t.conflated.Load() - t.counted
	}
	for _, all := range []map[string]*Topic{h.topics, h.views} {
		for _, t := range all {
			s.MaxLag = max(s.MaxLag, t.Lag())
			s.MaxLagTime = max(s.MaxLagTime, t.LagTime())
		}
	}
	return s
}

// lagger is a reader that knows how far its slowest subscriber is behind.
type lagger interface{ Lag() uint64 }

// Lag returns how many messages the slowest subscriber was behind in the last pass; it is zero again once
// that subscriber has caught up or left. Safe for concurrent use.
func (t *Topic) Lag() (lag uint64) {
	for _, r := range t.attached() {
		if l, ok := r.(lagger); ok {
			lag = max(lag, l.Lag())
		}
	}
	return lag
}

// LagTime returns how long ago the oldest message arrived that the slowest subscriber had not got in the last pass; 0
// if it had all. Safe for concurrent use.
func (t *Topic) LagTime() time.Duration {
	lag := t.Lag()
	if lag == 0 {
		return 0
	}
	m := t.back(lag)
	if m == nil { // overwritten meanwhile
		return 0
	}
	return time.Since(m.received)
}

// back returns the message n before the newest, or the oldest held.
func (t *Topic) back(n uint64) *Message {
	if t.view != nil {
		return t.view.back(n)
	}
	pos := t.Head() + 1 - min(n, t.Head())
	return t.At(max(pos, t.Oldest()))
}

// FanoutStats is a snapshot of a fan-out's counters, one unit per subscriber and message unless noted.
type FanoutStats struct {
	Subscriptions int       // open ones
	Behind        int       // of these, waiting in the catch-up queue
	Delivered     uint64    // taken by the sink
	Conflated     uint64    // skipped because a newer message was there (Latest, or paced); without those of patterns
	Blocked       uint64    // offered while the connection had unsent bytes; offered again later
	Gone          uint64    // offered to a connection that was closing
	Overruns      uint64    // subscriptions ended because the ring overwrote their next message (All)
	Passes        uint64    // complete passes
	Overtaken     uint64    // how often a pass under way took over a newer message
	Duration      Histogram // from a message's arrival in the hub to the end of the pass that carried it
}

// counters are written by the event loop and read by any goroutine. They have their cache lines to
// themselves, so that a scrape or a neighbouring loop does not slow the writer down.
type counters struct {
	_                                   [64]byte
	subscriptions, behind               atomic.Uint64
	delivered, conflated, blocked, gone atomic.Uint64
	overruns, passes, overtaken         atomic.Uint64
	duration                            histogram
	_                                   [64]byte
}

// add is called once per batch, not per delivery.
func (c *counters) add(delivered, conflated, blocked, gone uint64) {
	c.delivered.Add(delivered)
	c.conflated.Add(conflated)
	c.blocked.Add(blocked)
	c.gone.Add(gone)
}

// Stats returns a snapshot. Safe for concurrent use.
func (f *Fanout) Stats() FanoutStats {
	c := &f.stats
	return FanoutStats{
		Subscriptions: int(c.subscriptions.Load()),
		Behind:        int(c.behind.Load()),
		Delivered:     c.delivered.Load(),
		Conflated:     c.conflated.Load(),
		Blocked:       c.blocked.Load(),
		Gone:          c.gone.Load(),
		Overruns:      c.overruns.Load(),
		Passes:        c.passes.Load(),
		Overtaken:     c.overtaken.Load(),
		Duration:      c.duration.snapshot(),
	}
}
