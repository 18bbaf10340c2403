package hub

import (
	"time"

	"tickgate/internal/topic"
)

// A paced subscription gets at most one message of each topic per interval, always the newest. One that has got its share is
// withheld: passes go by it, until its interval is over or a lost message would not matter to it. So a paced subscription is
// never overrun and wants no history.
//
// That of a view has rounds: a round brings the newest message of each topic that there is when it begins, in the order of the
// sequences, and the next one begins an interval after the last message of this one. So nothing has to be known of single
// topics, whatever their number.

// pacer is what a paced subscription has beside a usual one. It is in Fanout.pacers until the subscription ends.
type pacer struct {
	id       SubID
	place    int32         // in Fanout.withheld, nowhere if it is not there
	interval time.Duration // between two messages of a topic
	next     time.Duration // when it may get something again, see Fanout.now
	reached  uint64        // the highest sequence that its connection has got; see isLate
	until    uint64        // of a view: the round at hand brings what is up to this sequence
	start    history       // of a view
}

// nowhere is the place of a pacer that is not withheld.
const nowhere = -1

// Paced returns a cursor for a subscription that gets at most one message of each topic per interval, and always the newest.
// It begins with the newest message behind the cursor; those between count as conflated, so make it from [Topic.Last] of 0
// or 1, [Topic.Default], or [Topic.Rejoin].
func (c Cursor) Paced(interval time.Duration) Cursor {
	c.interval = interval
	return c
}

// Rejoin is Resume for a paced subscription. It begins with the newest message of each topic, whatever the client has: a
// message that was withheld may have a lower id than the last one that the client got. What is not above that id comes
// late: without an id to resume from, for all the others are in order.
func (t *Topic) Rejoin(id string) (c Cursor, gap bool) {
	_, gap = t.Resume(id)
	c = t.Last(1)
	if seq, ok := t.hub.Sequence(id); ok && seq <= t.hub.lastSeq.Load()+maxLead {
		c.reached = seq
	}
	return c, gap
}

// pace makes a new subscription one that is paced.
func (f *Fanout) pace(id SubID, s *subscription, c Cursor) {
	s.set(paced)
	f.pacers[id] = &pacer{
		id: id, place: nowhere, interval: c.interval,
		reached: max(c.reached, f.reached(id)), start: c.history,
	}
}

// unpace forgets a paced subscription that ends.
func (f *Fanout) unpace(id SubID, s *subscription) {
	if s.is(withheld) {
		f.withheld.remove(f.pacers[id])
	}
	delete(f.pacers, id)
	s.clear(paced | withheld)
}

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

// wantPaced is want for a paced subscription. One that is not due is withheld.
func (f *Fanout) wantPaced(a *audience, id SubID, s *subscription, head uint64) (pos uint64, what need) {
	p := f.pacers[id]
	c := a.settle(s, head)
	switch {
	case c >= head:
		return 0, nothing
	case a.topic.view != nil:
		return f.wantOfRound(a, p, s, head)
	case f.now < p.next:
		f.withhold(p, s)
		return 0, nothing
	case a.topic.log.oldest.Load() > head:
		return 0, nothing // its time was over
	case s.next != id && f.has(id, &entry{place: place{a.topic, head}, seq: a.topic.newest()}):
		s.cursor = mark(head)
		return 0, nothing
	}
	return head, due
}

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

// withhold makes passes leave a paced subscription out until it is due.
func (f *Fanout) withhold(p *pacer, s *subscription) {
	if !s.is(withheld) {
		s.set(withheld)
		f.withheld.push(p)
	}
}

// releasesPerSend is the number of subscriptions released that count as one send towards a budget: each takes some 0.2 µs.
const releasesPerSend = 8

// release hands those whose interval is over to the catch-up queue.
func (f *Fanout) release(budget int) {
	if len(f.pacers) == 0 {
		return
	}
	f.lookAtClock()
	for n := budget * releasesPerSend; n > 0 && f.withheld.due(f.now); n-- {
		p := f.withheld.pop()
		s := f.subs.at(p.id)
		s.clear(withheld)
		f.wait(&f.trailing, p.id, s)
	}
}

// served notes that a paced subscription has got the message m.
func (f *Fanout) served(id SubID, s *subscription, m *Message) {
	p := f.pacers[id]
	if s.is(withheld) {
		s.clear(withheld)
		f.withheld.remove(p)
	}
	p.next = f.now + p.interval
	p.reached = max(p.reached, m.seq)
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

// sleep sees to it that Work is called when the next one is due.
func (f *Fanout) sleep() {
	if len(f.withheld.heap) > 0 {
		f.wake(f.withheld.heap[0].next - f.now)
	}
}

// lookAtClock brings now up to date if somebody is paced. It costs some 50 ns, so it is done once per batch.
func (f *Fanout) lookAtClock() {
	if len(f.pacers) > 0 {
		f.now = f.clock().Sub(f.began)
	}
}
