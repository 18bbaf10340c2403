package hub

// queue puts a subscriber into the catch-up queue, at most once, and sees to it that Work is called.
func (f *Fanout) queue(id SubID, s *subscription) {
	if s.is(queued) {
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
		if !f.offerBehind(id, s) {
			return visits + 1
		}
	}
	return visits
}

// offerBehind takes the subscriber at the front off the queue and puts it into the batch if it needs a
// message. It reports false, and leaves it there, if the batch has to be flushed first.
func (f *Fanout) offerBehind(id SubID, s *subscription) bool {
	a := f.audienceOf(s)
	pos, lost := a.want(s, a.topic.Head())
	if lost && f.batch.n > 0 || !lost && pos != 0 && !f.batch.join(a, pos, id, s.conn) {
		return false
	}
	f.behind.pop()
	s.clear(queued)
	switch {
	case lost:
		f.overrun(a, s)
	case pos == 0:
		f.caughtUp(a, id, s)
	}
	return true
}

// caughtUp is told that a subscriber has everything: from now on passes serve it.
func (f *Fanout) caughtUp(a *audience, id SubID, s *subscription) {
	s.clear(replaying)
	if a.slowest == id {
		a.settled()
	}
}
