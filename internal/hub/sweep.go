package hub

import "time"

const (
	// linger is how long a topic or a view that nobody uses is kept, at least: who has just left comes back, and who has
	// just opened it has time to subscribe.
	linger = time.Minute
	// sweepSlice is the number of topics that are looked at while publishing waits: some 10 µs.
	sweepSlice = 64
)

// Sweep looks at up to n topics, where the last call left off, and at all views. It drops messages that have outlived
// their TopicConfig.TTL, forgets what nobody uses, and brings in what Reconfigure has changed. Publishing goes on in
// between. Call it every now and then, from one goroutine.
func (h *Hub) Sweep(now time.Time, n int) {
	for n > 0 {
		slice := min(n, sweepSlice)
		if h.sweepSlice(now, slice) {
			break // all of them
		}
		n -= slice
	}
	h.sweepViews(now)
}

// Reconfigure replaces Config.Topic. New topics have their configuration from it at once, the others as they are swept.
// Nobody loses a subscription; a ring that has become smaller shrinks with the topic's next message.
func (h *Hub) Reconfigure(configure func(name string) TopicConfig) {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.configure = configure
	h.generation++
}

// sweepSlice looks at n topics. It reports whether it has come to the end of them.
func (h *Hub) sweepSlice(now time.Time, n int) (end bool) {
	h.writing.Lock()
	defer h.writing.Unlock()
	for ; n > 0 && h.swept < len(h.order); n-- {
		t := h.order[h.swept]
		h.refreshLocked(t)
		if h.sweepLocked(t, now) {
			h.forgetLocked(t) // which puts another one in its place
		} else {
			h.swept++
		}
	}
	h.budget.tidyLocked(sweepSlice)
	if h.swept < len(h.order) {
		return false
	}
	h.swept = 0
	return true
}

// refreshLocked gives a topic the configuration it should have.
func (h *Hub) refreshLocked(t *Topic) {
	if t.generation == h.generation {
		return
	}
	cfg := h.configure(t.name).withDefaults()
	t.generation, t.ttl = h.generation, cfg.TTL
	t.policy.Store(uint32(cfg.Policy))
	t.log.slots, t.log.limit = cfg.RingSize, cfg.RingBytes
	h.mu.Lock()
	defer h.mu.Unlock()
	h.countLocked(t)
	t.class = cfg.Class
}

// sweepLocked drops what has outlived its time, and reports whether the topic can be forgotten.
func (h *Hub) sweepLocked(t *Topic, now time.Time) bool {
	t.letGoLocked()
	if t.ttl > 0 {
		t.droppedLocked(t.log.expire(now.Add(-t.ttl)))
	}
	return t.log.oldest.Load() > t.log.head.Load() && t.isIdleLocked(now)
}

// isIdleLocked reports whether nobody has been seen to use t for a while.
func (t *Topic) isIdleLocked(now time.Time) bool {
	switch {
	case t.touched.Swap(false) || len(t.attached()) > 0:
		t.idle = time.Time{}
	case t.idle.IsZero():
		t.idle = now
	default:
		return now.Sub(t.idle) >= linger
	}
	return false
}

// forgetLocked removes a topic.
func (h *Hub) forgetLocked(t *Topic) {
	h.usedLocked(t)
	t.setViewsLocked(nil)
	h.budget.used.Add(-topicCost(t.name) - slotBytes*int64(len(*t.log.ring.Load())))
	if t.log.head.Load() > 0 {
		h.forgotten = max(h.forgotten, t.log.floor.Load())
	}
	last := h.order[len(h.order)-1]
	h.order[t.place], last.place = last, t.place
	h.order[len(h.order)-1] = nil
	h.order = h.order[:len(h.order)-1]
	h.mu.Lock()
	defer h.mu.Unlock()
	h.countLocked(t)
	delete(h.topics, t.name)
}

// countLocked keeps the count of a topic that leaves its class. The caller holds mu too.
func (h *Hub) countLocked(t *Topic) {
	n := t.conflated.Load()
	h.conflated[t.class] += n - t.counted
	t.counted = n
}

// sweepViews forgets views that nobody is subscribed to. Their topics let go of them when they are swept, or earlier.
func (h *Hub) sweepViews(now time.Time) {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.budget.fitLocked(0) // what the loops have encoded since the last message
	for _, v := range h.views {
		if v.isIdleLocked(now) {
			v.view.close()
			h.mu.Lock()
			delete(h.views, v.name)
			h.mu.Unlock()
		}
	}
}
