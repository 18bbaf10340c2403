package hub

// There are two catch-up queues. Connections that a pass has left behind, because another message came meanwhile that they may
// not skip, are trailing, and so are paced ones that are due: they are live and go with the passes. Connections that replay, or go on after they were blocked, are
// behind; they may be thousands with thousands of messages each, and have to leave room for those.

// queue puts a connection into the queue of those that are behind; see wait.
func (f *Fanout) queue(id SubID, s *subscription) { f.wait(&f.behind, id, s) }

// wait puts a connection into a catch-up queue, if it is in none, and sees to it that Work is called. Whichever of its
// subscriptions stands for it, all get their turn.
func (f *Fanout) wait(q *fifo[SubID], id SubID, s *subscription) {
	if f.isQueued(id) {
		return
	}
	if !f.working && f.waiting() == 0 {
		f.kick()
	}
	s.set(queued)
	q.push(id)
}

// waiting returns the length of the catch-up queues.
func (f *Fanout) waiting() int { return f.trailing.len() + f.behind.len() }

// catchUp serves a catch-up queue: one message per turn, so that a long replay does not hold up others.
func (f *Fanout) catchUp(q *fifo[SubID], budget int) (used int) {
	for used < budget && q.len() > 0 {
		visits := f.collectBehind(q, budget-used)
		used += max(f.flush(), 1, visits/visitsPerSend)
	}
	return used
}

// collectBehind fills the batch from the front of a queue, as long as they need the same message. It returns what that cost.
func (f *Fanout) collectBehind(q *fifo[SubID], limit int) (visits int) {
	start := f.looked
	for most := limit * visitsPerSend; visits+f.looked-start < most && q.len() > 0 && !f.batch.full(limit); visits++ {
		id := q.front()
		s := f.subs.at(id)
		if s.conn == noConn {
			q.pop()
			f.give(id)
			continue
		}
		if !f.offerBehind(q, id, s) {
			break
		}
	}
	return visits + f.looked - start
}

// offerBehind takes the connection at the front off the queue and puts it into the batch if it needs a message: the
// earliest that any of its subscriptions needs. It reports false, and leaves it there, if the batch has to be flushed
// first.
func (f *Fanout) offerBehind(q *fifo[SubID], id SubID, s *subscription) bool {
	e := f.earliest(id)
	if e.what == lost && f.batch.n > 0 || e.what == due && !f.joinBehind(q, e) {
		return false
	}
	q.pop()
	s.clear(queued)
	switch e.what {
	case lost:
		owner := f.subs.at(e.id)
		f.overrun(f.audienceOf(owner), owner)
		if s.conn != noConn && s.next != id {
			f.wait(q, id, s)
		}
	case unsure:
		f.wait(q, id, s)
	case nothing:
		f.allCaughtUp(id)
	}
	return true
}

func (f *Fanout) joinBehind(q *fifo[SubID], e errand) bool {
	s := f.subs.at(e.id)
	if !f.join(f.audienceOf(s), e.pos, e.id, s) {
		return false
	}
	f.batch.from = q
	return true
}

// queueAgain puts a connection that has got the batch's message and needs the next one where it came from; one that a pass has
// served is trailing.
func (f *Fanout) queueAgain(id SubID, s *subscription) {
	q := f.batch.from
	if q == nil {
		q = &f.trailing
	}
	f.wait(q, id, s)
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
