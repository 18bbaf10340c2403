package hub

// flush hands the batch to the sink and moves the cursors. It returns the number of subscribers served.
func (f *Fanout) flush() int {
	b := &f.batch
	n := b.n
	if n == 0 {
		return 0
	}
	f.sending = true
	m := b.message
	if b.late {
		m = m.lateCopy()
	}
	f.sink.SendMany(m, b.conns[:n], b.out[:n])
	f.sending = false
	f.lookAtClock()
	f.apply(b)
	b.n, b.audience, b.message, b.from = 0, nil, nil, nil
	for _, id := range f.limbo {
		f.give(id)
	}
	f.limbo = f.limbo[:0]
	return n
}

// apply moves the cursors of a batch that the sink has seen.
func (f *Fanout) apply(b *batch) {
	var delivered, skipped, spared, blocked, gone uint64
	for i, id := range b.ids[:b.n] {
		s := f.subs.at(id)
		if s.conn == noConn {
			continue // it has unsubscribed during the call
		}
		switch b.out[i] {
		case Delivered:
			delivered++
			switch n := b.pos - uint64(s.cursor) - 1; {
			case b.audience.topic.view != nil: // counted while it was looked for
			case s.is(paced):
				spared += n
			default:
				skipped += n
			}
			f.advance(b.audience, id, s)
		case Blocked:
			blocked++
			b.audience.measure(id, s)
		case Gone:
			gone++
			s.cursor = ended
		}
	}
	f.stats.add(delivered, skipped+spared, blocked, gone)
	b.message.topic.conflate(skipped, spared)
}

// advance moves the cursors of a subscriber that has got the batch's message. One that is to get every message
// and is not yet at the head goes on in the catch-up queue.
func (f *Fanout) advance(a *audience, id SubID, s *subscription) {
	pos := f.batch.pos
	s.cursor = mark(pos)
	if s.is(paced) {
		f.served(id, s, f.batch.message)
	}
	if s.next != id {
		f.passedOn(id, f.batch.message)
		if f.batch.from != nil {
			f.goOn(id, s)
			return
		}
	}
	if pos < a.topic.Head() && (a.topic.Policy() == All || s.is(replaying)) {
		f.queueAgain(id, s)
		return
	}
	f.caughtUp(a, id, s)
}

// overrun ends a subscription whose next message has been overwritten.
func (f *Fanout) overrun(a *audience, s *subscription) {
	conn := s.conn
	s.cursor = ended
	f.stats.overruns.Add(1)
	f.sink.Overrun(conn, a.topic)
}
