package hub

import (
	"slices"
	"sync/atomic"

	"tickgate/internal/topic"
)

// view is the log of a pattern: the messages that the topics it selects hold, by sequence. It is an index: it keeps no message
// alive, drops what the topics drop, and so needs no bounds of its own. One writer, any number of readers.
//
// The writer publishes in the order floor, block and entry, head.
type view struct {
	block atomic.Pointer[block]
	head  atomic.Uint64 // sequence of the newest message, 0 before the first
	floor atomic.Uint64 // of the sequences up to it, messages of the topics may be missing
	lost  atomic.Uint64 // likewise, of All topics

	// owned by the writer
	dead    int // entries that the topics have dropped, at most
	closed  bool
	opening bool    // see opening
	aside   []entry // of an opening view, messages of the topics that are part of it already
	budget  *budget
}

// entry is a message in a view.
type entry struct {
	place
	seq uint64
}

// superseded reports whether nobody needs the message any more who only wants the newest.
func (e *entry) superseded() bool { return e.topic.Policy() == Latest && !e.newest() }

// block is a list of messages that grows until it is full. Its entries never change.
type block struct {
	used atomic.Int64
	gone atomic.Int64 // so many of the first entries are known to be dropped; readers find out
	list []entry
}

func (b *block) entries() []entry { return b.list[:b.used.Load()] }

const (
	firstBlock = 16
	entryBytes = 24
	// maxDead is how many entries that the topics have dropped a small view may have.
	maxDead = 16
)

// selectLocked makes a new topic part of the views that select it.
func (h *Hub) selectLocked(t *Topic) {
	for _, v := range h.views {
		v.selectLocked(t)
	}
	if h.building != nil {
		h.building.selectLocked(t)
	}
}

// selectLocked makes a new topic part of the view if the pattern selects it.
func (v *Topic) selectLocked(t *Topic) {
	if topic.Match(v.name, t.name) {
		t.joinLocked(v)
		// What the stream has lost may have been the topic's. What was forgotten is the views' own affair.
		v.view.raise(t, t.hub.floor.Load())
	}
}

// joinLocked makes the topic tell view v of its messages.
func (t *Topic) joinLocked(v *Topic) {
	t.letGoLocked()
	t.setViewsLocked(append(t.views, v))
}

// letGoLocked makes the topic forget views that have been closed.
func (t *Topic) letGoLocked() {
	if !slices.ContainsFunc(t.views, isClosed) {
		return
	}
	var left []*Topic
	for _, v := range t.views {
		if !isClosed(v) {
			left = append(left, v)
		}
	}
	t.setViewsLocked(left)
}

func isClosed(v *Topic) bool { return v.view.closed }

// setViewsLocked replaces the list of views and counts its memory.
func (t *Topic) setViewsLocked(views []*Topic) {
	n := slotBytes * int64(cap(views)-cap(t.views))
	t.views = views
	t.hub.joined.Add(n)
	t.hub.budget.used.Add(n)
}

// raise notes that messages of t may be missing up to a sequence.
func (v *view) raise(t *Topic, floor uint64) {
	v.floor.Store(max(v.floor.Load(), floor))
	if t.Policy() == All {
		v.lost.Store(max(v.lost.Load(), floor))
	}
}

// dropped notes that t has dropped its oldest n messages.
func (v *view) dropped(t *Topic, n int) {
	v.raise(t, t.log.floor.Load())
	v.dead += n
	if held := int(v.block.Load().used.Load()) - v.dead; v.dead > max(held, maxDead) {
		v.compact()
	}
}

// add appends a message.
func (v *view) add(m *Message) {
	e := entry{place{m.topic, m.pos}, m.seq}
	if v.opening {
		v.aside = append(v.aside, e)
		return
	}
	if b := v.block.Load(); int(b.used.Load()) == len(b.list) {
		v.compact()
	}
	b := v.block.Load()
	n := b.used.Load()
	b.list[n] = e
	b.used.Store(n + 1)
	v.head.Store(m.seq)
}

// compact leaves out what the topics have dropped, and makes room for more.
func (v *view) compact() {
	old, n := v.block.Load().entries(), 0
	for i := range old {
		if old[i].held() {
			n++
		}
	}
	held := make([]entry, 0, n+spare(n))
	for i := range old {
		if old[i].held() {
			held = append(held, old[i])
		}
	}
	v.install(held)
}

// spare is the room that a list of n entries needs to grow.
func spare(n int) int { return n/2 + firstBlock }

// install replaces the block by one with the given messages and the room behind them.
func (v *view) install(list []entry) {
	b := &block{list: list[:cap(list)]}
	b.used.Store(int64(len(list)))
	v.dead = 0
	before := 0
	if old := v.block.Load(); old != nil {
		before = len(old.list)
	}
	v.budget.used.Add(entryBytes * int64(len(b.list)-before))
	v.block.Store(b)
}

// close lets go of the messages.
func (v *view) close() {
	v.closed = true
	v.install(nil)
}

// after returns the index of the first entry with a sequence above seq.
func after(list []entry, seq uint64) int {
	low, high := 0, len(list)
	for low < high {
		if mid := int(uint(low+high) / 2); list[mid].seq <= seq {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// at returns the message of that sequence, nil if it is not there or its topic holds it no more.
func (v *view) at(seq uint64) *Message {
	list := v.block.Load().entries()
	if i := after(list, seq) - 1; i >= 0 && list[i].seq == seq {
		return list[i].topic.At(list[i].pos)
	}
	return nil
}

// oldest returns the sequence of the oldest message held, one above the head if there is none. Each entry that has been dropped
// is looked at once or twice, however many clients ask: thousands may be told of a gap after a restart.
func (v *view) oldest() uint64 {
	b := v.block.Load()
	list := b.entries()
	i := int(b.gone.Load())
	for i < len(list) && !list[i].held() {
		i++
	}
	b.gone.Store(int64(i)) // a reader that is late makes it smaller again, which does no harm
	if i == len(list) {
		return v.head.Load() + 1
	}
	return list[i].seq
}

// before returns the sequence of the entry before that of sequence seq, 0 if there is none.
func (v *view) before(seq uint64) uint64 {
	list := v.block.Load().entries()
	if i := after(list, seq) - 2; i >= 0 {
		return list[i].seq
	}
	return 0
}

// count returns the number of entries with sequences above from and up to to.
func (v *view) count(from, to uint64) uint64 {
	list := v.block.Load().entries()
	return uint64(max(0, after(list, to)-after(list, from)))
}

// back returns the entry n before the end, or the first one; nil if there is none.
func (v *view) back(n uint64) *Message {
	list := v.block.Load().entries()
	if len(list) == 0 {
		return nil
	}
	e := list[len(list)-int(min(n, uint64(len(list))))]
	return e.topic.At(e.pos)
}
