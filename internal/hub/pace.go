package hub

import "time"

// A paced subscription gets at most one message of each topic per interval, always the newest. When it has had its share it is
// withheld: passes go by it until its interval is over. It skips what it likes, so it is never overrun, and wants no history.

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
