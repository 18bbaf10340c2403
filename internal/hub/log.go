package hub

import (
	"sync/atomic"
	"time"
)

// firstSlots is the size of a new topic's ring. It doubles up to the configured size as messages arrive,
// so that 100,000 topics with a message or two each stay cheap.
const firstSlots = 4

// ring holds the message of position p in slot p % len. A slot that holds another position has been
// overwritten, or not yet been written.
type ring []atomic.Pointer[Message]

func (r ring) at(pos uint64) *Message {
	m := r[pos%uint64(len(r))].Load()
	if m == nil || m.pos != pos {
		return nil
	}
	return m
}

// log is a bounded sequence of messages with one writer and any number of lock-free readers.
// The writer publishes in the order oldest, ring and slot, head: whoever has seen a head finds its message
// unless it has been dropped since.
type log struct {
	ring   atomic.Pointer[ring]
	head   atomic.Uint64 // position of the newest message, 0 before the first
	oldest atomic.Uint64 // position of the oldest message held, head+1 if none
	floor  atomic.Uint64 // every message of this topic with a sequence above it is held

	// owned by the writer
	budget *budget
	slots  int    // largest ring
	bytes  int    // payload bytes held
	base   uint64 // the hub's floor that the log has taken account of
	limit  int    // largest value of bytes, unless the newest two messages are larger
}

func (l *log) init(cfg TopicConfig, floor uint64, b *budget) {
	l.slots, l.limit, l.base, l.budget = cfg.RingSize, cfg.RingBytes, floor, b
	l.resize(firstSlots)
	l.oldest.Store(1)
	l.floor.Store(floor)
}

// add appends m and gives it its position. A floor above the one that the log knows means that messages of this
// topic may have been lost before m.
func (l *log) add(m *Message, floor uint64) {
	if floor > l.base {
		l.restart(floor)
	}
	m.pos = l.head.Load() + 1
	l.bytes += len(m.payload)
	for l.mustDrop(m.pos) {
		l.drop()
	}
	m.charge() // before readers find it: they encode it, which charges as well
	r := l.fit(m.pos)
	r[m.pos%uint64(len(r))].Store(m)
	l.head.Store(m.pos)
}

// restart drops everything and leaves out a position, so that every reader finds its next message overwritten.
// Until add is through, which is at once, the head has no message; readers look again.
func (l *log) restart(floor uint64) {
	hole := l.head.Load() + 1
	for l.oldest.Load() <= hole {
		l.drop()
	}
	l.floor.Store(floor)
	l.base = floor
	l.head.Store(hole)
}

// mustDrop reports whether a message has to go before the one of position next is stored. The one before it
// stays in any case, so that a reader finds the message of the head it has just seen, unless its time was over.
func (l *log) mustDrop(next uint64) bool {
	held := next - l.oldest.Load()
	return held >= uint64(l.slots) || held > 1 && l.bytes > l.limit
}

func (l *log) drop() {
	r, pos := *l.ring.Load(), l.oldest.Load()
	m := r.at(pos)
	if m != nil {
		l.floor.Store(m.seq)
	}
	l.oldest.Store(pos + 1)
	r[pos%uint64(len(r))].Store(nil)
	if m != nil {
		l.bytes -= len(m.payload)
		l.budget.held--
		m.release()
	}
}

// expire drops the oldest messages as long as they are from before a moment, the newest one too. It returns their number.
func (l *log) expire(before time.Time) (n int) {
	for pos := l.oldest.Load(); pos <= l.head.Load(); pos++ {
		if m := l.ring.Load().at(pos); m != nil && !m.since().Before(before) {
			return n
		}
		l.drop()
		n++
	}
	l.shrink()
	return n
}

// fit returns a ring with room for the message of position next, which it doubles if need be.
func (l *log) fit(next uint64) ring {
	if r := *l.ring.Load(); next-l.oldest.Load() < uint64(len(r)) {
		return r
	}
	return l.resize(2 * len(*l.ring.Load()))
}

// shrink gives memory back if the ring has become much too large.
func (l *log) shrink() {
	held := int(l.head.Load() + 1 - l.oldest.Load())
	if n := len(*l.ring.Load()); n > firstSlots && held <= n/4 {
		l.resize(max(2*held, firstSlots))
	}
}

// resize gives the log a ring of n slots, or of the largest number allowed, and returns it.
func (l *log) resize(n int) ring {
	r := make(ring, min(n, l.slots))
	before := 0
	if old := l.ring.Load(); old != nil {
		before = len(*old)
		for pos := l.oldest.Load(); pos <= l.head.Load(); pos++ {
			r[pos%uint64(len(r))].Store(old.at(pos))
		}
	}
	l.budget.used.Add(slotBytes * int64(len(r)-before))
	l.ring.Store(&r)
	return r
}
