package hub

import "time"

// Cursor is where a subscriber starts in a topic's log. [Topic.Last], [Topic.Default], [Topic.Seek] and [Topic.Resume]
// make one; it is good for the topic that made it.
type Cursor struct {
	at mark
	history
	interval time.Duration // see Paced; 0 if it is not
	reached  uint64        // what the client has, see Rejoin
}

// mark is where a subscription stands: in a topic the position of the last message it has, in a view that message's
// sequence.
//
// In a topic it may also stand for a sequence that this process has not seen yet, because the client comes from
// a node that was ahead: it then skips whatever that client already has. Only [Topic.Seek] makes those.
type mark uint64

const (
	// bySeq marks one that holds a sequence instead of a position.
	bySeq mark = 1 << 63
	// ended is that of a subscription that gets nothing more: its connection is gone or overrun.
	ended = ^mark(0)
)

// maxLead is how far ahead of this process a client's sequence can honestly be. Nodes lag behind one another
// by milliseconds; a sequence further ahead was never given out by this stream.
const maxLead = 1 << 16

// Last returns the cursor of a subscriber that starts with the newest n messages, or with as many as are
// held. Zero means to start with the next one to come.
//
// A pattern's subscriber starts with the newest n messages of each topic that it selects.
func (t *Topic) Last(n int) Cursor {
	if t.view != nil {
		return t.viewLast(max(n, 0))
	}
	head, oldest := t.Head(), t.Oldest()
	held := head + 1 - min(oldest, head+1)
	return Cursor{at: mark(head - min(uint64(max(n, 0)), held))}
}

// Default returns the cursor of a subscriber that does not say where to start: with as many messages of each topic as
// its policy's [Policy.DefaultLast].
func (t *Topic) Default() Cursor {
	if t.view != nil {
		return t.viewLast(byPolicy)
	}
	return t.Last(t.Policy().DefaultLast())
}

// Seek returns the cursor of a subscriber that has every message up to and including sequence seq, however
// far it is behind. The gap says that messages above seq are no longer held; what is held of them follows the
// cursor. The sequence is one of [Hub.Sequence], which is that of the stream until [Hub.Renew]. One that this stream cannot have given out is a gap as well, before the oldest message held.
func (t *Topic) Seek(seq uint64) (c Cursor, gap bool) {
	if t.view != nil {
		return t.viewSeek(seq)
	}
	switch last := t.hub.lastSeq.Load(); {
	case seq > last && seq-last <= maxLead:
		return Cursor{at: bySeq | mark(seq)}, false
	case seq > last:
		return t.beforeOldest(), true
	}
	for {
		floor := t.floor()
		c.at = t.after(seq)
		if floor == t.floor() { // else messages have been dropped meanwhile
			return c, seq < floor
		}
	}
}

// Resume is Seek by a message id as clients send it back (Last-Event-ID, since). An id of another epoch, or
// one that is none, is a gap.
func (t *Topic) Resume(id string) (c Cursor, gap bool) {
	seq, ok := t.hub.Sequence(id)
	if !ok {
		return t.beforeOldest(), true
	}
	return t.Seek(seq)
}

// OldestID returns the id of the oldest message held, empty if there is none.
func (t *Topic) OldestID() string {
	for {
		oldest := t.Oldest()
		if m := t.At(oldest); m != nil {
			return m.ID()
		}
		if oldest > t.Head() {
			return ""
		}
	}
}

// floor returns the sequence up to which messages of the topic may be missing from the log.
func (t *Topic) floor() uint64 { return max(t.log.floor.Load(), t.hub.floor.Load()) }

// newest returns the sequence of the newest message, also of one that has outlived its time; 0 if there was none.
func (t *Topic) newest() uint64 {
	for {
		head := t.Head()
		if m := t.At(head); m != nil {
			return m.seq
		}
		if head == 0 {
			return 0
		}
		if t.Oldest() > head {
			return t.log.floor.Load()
		}
	}
}

// beforeOldest is the cursor of a client that has been told of a gap.
func (t *Topic) beforeOldest() Cursor {
	if t.view != nil {
		return t.viewAll()
	}
	return Cursor{at: mark(t.Oldest() - 1)}
}

// after returns the position before the first message held with a sequence above seq, by binary search.
// A slot that is overwritten meanwhile moves the lower end up.
func (t *Topic) after(seq uint64) mark {
	low, high := t.Oldest(), t.Head()+1
	for low < high {
		mid := low + (high-low)/2
		m := t.At(mid)
		switch {
		case m == nil:
			low = max(mid+1, t.Oldest())
		case m.seq <= seq:
			low = mid + 1
		default:
			high = mid
		}
	}
	return mark(low - 1)
}
