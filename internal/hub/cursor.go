package hub

// Cursor is where a subscriber stands in a topic's log: the position of the last message it has. The next
// one it gets is that of position Cursor+1.
//
// A cursor may also stand for a sequence that this process has not seen yet, because the client comes from
// a node that was ahead: it then skips whatever that client already has. Only [Topic.Seek] makes those.
type Cursor uint64

const (
	// bySeq marks a cursor that holds a sequence instead of a position.
	bySeq Cursor = 1 << 63
	// ended is the cursor of a subscription that gets nothing more: its connection is gone or overrun.
	ended Cursor = ^Cursor(0)
)

// maxLead is how far ahead of this process a client's sequence can honestly be. Nodes lag behind one another
// by milliseconds; a sequence further ahead was never given out by this stream.
const maxLead = 1 << 16

// Last returns the cursor of a subscriber that starts with the newest n messages, or with as many as are
// held. Zero means to start with the next one to come.
func (t *Topic) Last(n int) Cursor {
	head, oldest := t.Head(), t.Oldest()
	held := head + 1 - min(oldest, head+1)
	return Cursor(head - min(uint64(max(n, 0)), held))
}

// Seek returns the cursor of a subscriber that has every message up to and including sequence seq, however
// far it is behind. The gap says that messages above seq are no longer held; what is held of them follows the
// cursor. A sequence that this stream cannot have given out is a gap as well, before the oldest message held.
func (t *Topic) Seek(seq uint64) (c Cursor, gap bool) {
	switch last := t.hub.LastSeq(); {
	case seq > last && seq-last <= maxLead:
		return bySeq | Cursor(seq), false
	case seq > last:
		return t.beforeOldest(), true
	}
	for {
		floor := t.floor()
		c = t.after(seq)
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

// newest returns the sequence of the newest message, 0 if there is none.
func (t *Topic) newest() uint64 {
	for {
		head := t.Head()
		if m := t.At(head); m != nil {
			return m.seq
		}
		if head == 0 {
			return 0
		}
	}
}

func (t *Topic) beforeOldest() Cursor { return Cursor(t.Oldest() - 1) }

// after returns the position before the first message held with a sequence above seq, by binary search.
// A slot that is overwritten meanwhile moves the lower end up.
func (t *Topic) after(seq uint64) Cursor {
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
	return Cursor(low - 1)
}
