package hub

import "tickgate/internal/topic"

// A paced subscription to a view has rounds: a round brings the newest message of each topic that there is when it begins, in
// the order of the sequences, and the next one begins an interval after the last message of this one. So nothing has to be
// known of single topics, whatever their number.

// wantOfRound is wantPaced for a view. It begins a round if it is time, and moves the cursor over what the round leaves out.
func (f *Fanout) wantOfRound(a *audience, p *pacer, s *subscription, head uint64) (pos uint64, what need) {
	if f.now >= p.next {
		p.until = max(p.until, head)
	}
	if uint64(s.cursor) < p.until {
		m, more := f.nextOfRound(a.topic.view, p, s)
		switch {
		case m != nil:
			return m.seq, due
		case more:
			return 0, unsure
		}
	}
	if uint64(s.cursor) < head {
		f.withhold(p, s)
	}
	return 0, nothing
}

// nextOfRound looks for the next message of a round. If it finds none it has moved the cursor to the end of the round, or
// as far as it has looked (more).
func (f *Fanout) nextOfRound(v *view, p *pacer, s *subscription) (found *entry, more bool) {
	list := v.block.Load().entries()
	i := after(list, uint64(s.cursor))
	end := min(i+scanned, len(list))
	for ; i < end && list[i].seq <= p.until; i++ {
		m := &list[i]
		f.looked++
		switch newest := m.newestUpTo(p.until); {
		case f.has(p.id, m):
		case newest && m.held() && p.start.begins(m):
			return m, false
		case !newest && m.seq > p.start.until:
			m.topic.conflate(0, 1)
		}
		s.cursor = mark(m.seq)
	}
	if i < len(list) && list[i].seq <= p.until {
		return nil, true
	}
	s.cursor = mark(p.until)
	return nil, false
}

// newestUpTo reports whether the topic had nothing newer than the message when the view was at sequence until.
func (e *entry) newestUpTo(until uint64) bool {
	if e.newest() {
		return true
	}
	next := e.topic.At(e.pos + 1) // if that has been dropped, so has the entry's
	return next != nil && next.seq > until
}

// begins reports whether a paced subscription may begin with a topic's newest message m.
func (h *history) begins(m *entry) bool {
	switch {
	case m.seq > h.until:
		return true
	case h.last == byPolicy:
		return m.topic.Policy().DefaultLast() > 0
	}
	return h.last != 0
}

// has reports whether the connection of subscription id has a message through another one, or gets a newer one of its topic
// there.
func (f *Fanout) has(id SubID, m *entry) bool {
	for at := f.subs.at(id).next; at != id; {
		s := f.subs.at(at)
		switch t := f.audienceOf(s).topic; {
		case s.cursor >= bySeq:
		case t == m.topic && uint64(s.cursor) >= m.pos,
			t.view != nil && uint64(s.cursor) >= m.seq && topic.Match(t.name, m.topic.name):
			return true
		}
		at = s.next
	}
	return false
}
