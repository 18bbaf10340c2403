package hub

// history says what a subscription to a view wants of the messages that were there before it. Topics need none: a
// position says it all.
type history struct {
	until uint64 // of sequences up to this one; 0 if of none
	told  uint64 // up to this sequence nothing is told of messages missing: it has been, or it does not matter
	last  int    // of each topic the newest last messages, byPolicy, or everything
}

const (
	everything = -1
	byPolicy   = -2 // as many as the topic's Policy.DefaultLast says
)

func (t *Topic) viewLast(n int) Cursor {
	last := t.hub.lastSeq.Load()
	if n == 0 {
		return Cursor{at: mark(last)}
	}
	return Cursor{history: history{until: last, told: last, last: n}}
}

func (t *Topic) viewSeek(seq uint64) (c Cursor, gap bool) {
	last := t.hub.lastSeq.Load()
	if seq > last+maxLead {
		return t.viewAll(), true
	}
	c = Cursor{at: mark(seq), history: history{until: last, last: everything}}
	if seq < max(t.view.floor.Load(), t.hub.floor.Load()) {
		c.told = t.viewTold()
		return c, true
	}
	return c, false
}

// viewAll is the cursor of a client that gets all that is held, and knows that there was more.
func (t *Topic) viewAll() Cursor {
	return Cursor{history: history{until: t.hub.lastSeq.Load(), told: t.viewTold(), last: everything}}
}

// viewTold is up to where messages are missing of which a client has just been told. What the stream has lost counts
// among the topics' only when they have their next message.
func (t *Topic) viewTold() uint64 { return max(t.view.lost.Load(), t.hub.floor.Load()) }

// wants reports whether the history has message m, which its view holds.
func (h *history) wants(m *entry) bool {
	n := h.last
	switch {
	case m.seq > h.until:
		return !m.superseded()
	case n == everything:
		return true
	case n == byPolicy:
		n = m.topic.Policy().DefaultLast()
	}
	if n == 0 {
		return false
	}
	if n == 1 && m.topic.Policy() == Latest {
		return !m.superseded() // what is newer than the history supersedes it, too
	}
	newest := uint64(m.topic.after(h.until)) // the topic's position at the time
	return m.pos+uint64(n) > newest
}

// scanned bounds the entries that are looked at for one subscriber at a time, some 10 ns each.
const scanned = 256

// next looks for the first message behind sequence c that a subscriber with that history wants. It returns the sequence
// up to which there is none, and how many entries it has looked at; found is nil if there is none at all, or, with scanned
// entries, if it has not come far enough.
func (v *view) next(c uint64, h *history) (found *entry, upTo uint64, looked int) {
	list := v.block.Load().entries()
	list = list[after(list, c):]
	for looked < min(scanned, len(list)) {
		m := &list[looked]
		looked++
		switch {
		case m.held() && h.wants(m):
			return m, c, looked
		case m.seq > h.until && m.topic.Policy() == Latest:
			m.topic.conflate(1, 0) // seldom, of a client that is behind
		}
		c = m.seq
	}
	return nil, c, looked
}
