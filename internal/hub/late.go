package hub

// What is withheld from a connection may be older than what its other subscriptions bring meanwhile. When it is due it comes
// late: without an id, so that the last id still stands for all subscriptions that are not paced.

// reached returns a sequence that is not below any that the other subscriptions of a connection have brought.
func (f *Fanout) reached(id SubID) (seq uint64) {
	for at := f.subs.at(id).next; at != id; {
		s := f.subs.at(at)
		if s.is(paced) {
			seq = max(seq, f.pacers[at].reached)
		} else {
			seq = max(seq, f.audienceOf(s).passed(s.cursor))
		}
		at = s.next
	}
	return seq
}

// passed returns the sequence of the message that a cursor stands at, or a higher one.
func (a *audience) passed(c mark) uint64 {
	switch {
	case c == 0 || c == ended:
		return 0
	case c >= bySeq:
		return uint64(c &^ bySeq)
	case a.topic.view != nil:
		return uint64(c)
	}
	if m := a.topic.At(uint64(c)); m != nil {
		return m.seq
	}
	return a.topic.hub.lastSeq.Load()
}

// isLate reports whether the connection of a paced subscription has got something newer than the message at pos. It has not
// if a subscription that is not paced needs the message too: those get all in order.
func (f *Fanout) isLate(a *audience, pos uint64, id SubID) bool {
	seq, what := a.sequence(pos)
	if what != due || seq > f.pacers[id].reached {
		return false
	}
	for at := f.subs.at(id).next; at != id; {
		s := f.subs.at(at)
		if !s.is(paced) && f.needs(at, s, seq) {
			return false
		}
		at = s.next
	}
	return true
}

// needs reports whether the message of sequence seq is what a subscription needs next.
func (f *Fanout) needs(id SubID, s *subscription, seq uint64) bool {
	a := f.audienceOf(s)
	pos, what := f.want(a, id, s, a.topic.Head())
	if what != due {
		return false
	}
	first, what := a.sequence(pos)
	return what == due && first == seq
}

// lateCopy returns the message as one that comes behind newer ones: its frames have no id that a client would resume from,
// for then it would get those again. The first call makes the copy, which shares the payload.
func (m *Message) lateCopy() *Message {
	if c := m.late.Load(); c != nil {
		return c
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.late.Load(); c != nil {
		return c
	}
	c := &Message{
		topic: m.topic, era: m.era, seq: m.seq, pos: m.pos, payload: m.payload, event: m.event,
		stored: m.stored, received: m.received, isLate: true, dropped: m.dropped,
	}
	if !c.dropped {
		c.size = messageBytes - placeBytes
		m.topic.hub.budget.used.Add(int64(c.size))
	}
	m.late.Store(c)
	return c
}
