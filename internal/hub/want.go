package hub

import "math"

// need is what a subscription needs of its topic.
type need uint8

const (
	nothing need = iota
	due          // a message
	lost         // a message that the log holds no more, though the policy does not let it be skipped
	unsure       // the search has not come to an end
)

// want returns the position of the message that subscription s of a needs next, if it is one up to head.
func (f *Fanout) want(a *audience, id SubID, s *subscription, head uint64) (pos uint64, what need) {
	switch {
	case s.is(paced):
		return f.wantPaced(a, id, s, head)
	case a.topic.view != nil:
		return f.wantOfView(a, id, s, head)
	}
	c := a.settle(s, head)
	if c >= head {
		return 0, nothing
	}
	oldest := a.topic.log.oldest.Load()
	if a.topic.Policy() == All || s.is(replaying) {
		if c+1 >= oldest {
			return c + 1, due
		}
		if a.topic.Policy() == All {
			return c + 1, lost
		}
		s.clear(replaying)
	}
	if oldest > head {
		return 0, nothing // its time was over
	}
	return head, due
}

// settle returns the position of s's cursor. One that waits for a sequence becomes a position when the topic
// has a message beyond that sequence; until then, and when s has ended, there is nothing to deliver.
func (a *audience) settle(s *subscription, head uint64) uint64 {
	if s.cursor < bySeq {
		return uint64(s.cursor)
	}
	seq := uint64(s.cursor &^ bySeq)
	if s.cursor == ended || a.topic.newest() <= seq {
		return math.MaxUint64
	}
	s.cursor = a.topic.after(seq)
	if seq < a.topic.floor() {
		s.cursor = 0 // older than anything held, so that it counts as lost
	}
	return uint64(s.cursor)
}

// wantOfView is want for a view. It moves the cursor over what s does not want.
func (f *Fanout) wantOfView(a *audience, id SubID, s *subscription, head uint64) (pos uint64, what need) {
	c := uint64(s.cursor)
	if c >= head {
		return 0, nothing
	}
	var h history
	if s.is(replaying) {
		h = f.histories[id]
	} else if c >= a.before && head == a.carries && a.topic.view.lost.Load() <= c {
		return head, due
	}
	m, upTo, looked := a.topic.view.next(c, &h)
	f.looked += looked
	// What the writer has left out by now is among the lost.
	if a.topic.view.lost.Load() > max(c, h.told) {
		return 0, lost
	}
	s.cursor = mark(upTo)
	switch {
	case m != nil:
		return m.seq, due
	case looked >= scanned:
		return 0, unsure
	}
	return 0, nothing
}
