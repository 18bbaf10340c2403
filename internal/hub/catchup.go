package hub

// queue puts a connection into the catch-up queue, at most once, and sees to it that Work is called. Whichever of its
// subscriptions stands for it, all get their turn.
func (f *Fanout) queue(id SubID, s *subscription) {
	if f.isQueued(id) {
		return
	}
	if !f.working && f.behind.len() == 0 {
		f.kick()
	}
	s.set(queued)
	f.behind.push(id)
}

// catchUp serves the catch-up queue: one message per turn, so that a long replay does not hold up others.
func (f *Fanout) catchUp(budget int) (used int) {
	for used < budget && f.behind.len() > 0 {
		visits := f.collectBehind(budget - used)
		used += max(f.flush(), 1, visits/visitsPerSend)
	}
	return used
}

// collectBehind fills the batch from the front of the queue, as long as they need the same message.
func (f *Fanout) collectBehind(limit int) (visits int) {
	for most := limit * visitsPerSend; visits < most && f.behind.len() > 0 && !f.batch.full(limit); visits++ {
		id := f.behind.front()
		s := f.subs.at(id)
		if s.conn == noConn {
			f.behind.pop()
			f.give(id)
			continue
		}
		cost, ok := f.offerBehind(id, s)
		if visits += cost; !ok {
			return visits + 1
		}
	}
	return visits
}

// offerBehind takes the connection at the front off the queue and puts it into the batch if it needs a message: the
// earliest that any of its subscriptions needs. It reports false, and leaves it there, if the batch has to be flushed
// first. The cost is in visits, beside the usual one.
func (f *Fanout) offerBehind(id SubID, s *subscription) (cost int, ok bool) {
	e := f.earliest(id)
	if e.what == lost && f.batch.n > 0 || e.what == due && !f.joinBehind(e) {
		return 0, false
	}
	f.behind.pop()
	s.clear(queued)
	switch e.what {
	case lost:
		owner := f.subs.at(e.id)
		f.overrun(f.audienceOf(owner), owner)
		if s.conn != noConn && s.next != id {
			f.queue(id, s)
		}
	case unsure:
		f.queue(id, s)
		cost = visitsPerSend
	case nothing:
		f.allCaughtUp(id)
	}
	return cost, true
}

func (f *Fanout) joinBehind(e errand) bool {
	s := f.subs.at(e.id)
	if !f.join(f.audienceOf(s), e.pos, e.id, s) {
		return false
	}
	f.batch.behind = true
	return true
}

// caughtUp is told that a subscriber has everything: from now on passes serve it.
func (f *Fanout) caughtUp(a *audience, id SubID, s *subscription) {
	if s.is(replaying) {
		s.clear(replaying)
		if h, ok := f.histories[id]; ok {
			delete(f.histories, id)
			s.cursor = max(s.cursor, mark(h.until)) // there was nothing else that it wants
		}
	}
	if a.slowest == id {
		a.settled()
	}
}
