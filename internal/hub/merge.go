package hub

// A connection with several subscriptions gets their messages in the order of the sequences, so that the id of the last
// one stands for all of them. The publisher appends in that order: what has a lower sequence than a message that is
// about to be delivered is in the logs already. Before a pass delivers to such a connection it looks at its others;
// if they need an earlier message, the catch-up queue serves the connection, always with the earliest.

// errand is what a connection needs next.
type errand struct {
	id   SubID // whose message it is
	pos  uint64
	what need
}

// earliest returns the message with the lowest sequence that the connection of subscription id needs.
func (f *Fanout) earliest(id SubID) (first errand) {
	var lowest uint64
	for at := id; ; {
		s := f.subs.at(at)
		a := f.audienceOf(s)
		pos, what := f.want(a, at, s, a.topic.Head())
		if s.next == at { // the usual case: nothing to compare with
			return errand{at, pos, what}
		}
		var seq uint64
		if what == due {
			seq, what = a.sequence(pos)
		}
		switch {
		case what == lost, what == unsure:
			return errand{at, pos, what}
		case what == due && (first.what == nothing || seq < lowest):
			first, lowest = errand{at, pos, due}, seq
		}
		if at = s.next; at == id {
			return first
		}
	}
}

// sequence returns the sequence of the message at pos; unsure if it has just been overwritten.
func (a *audience) sequence(pos uint64) (seq uint64, what need) {
	if a.topic.view != nil {
		return pos, due
	}
	if m := a.topic.At(pos); m != nil {
		return m.seq, due
	}
	return 0, unsure
}

// mustWait reports whether the catch-up queue has to serve the connection of subscription id of a before it may get the
// message at pos: its other subscriptions need earlier ones, or may.
func (f *Fanout) mustWait(a *audience, id SubID, pos uint64) bool {
	seq, what := a.sequence(pos)
	if what == unsure {
		return true
	}
	for at := f.subs.at(id).next; at != id; {
		s := f.subs.at(at)
		if s.is(behind) || f.needsBefore(at, s, seq) {
			return true
		}
		at = s.next
	}
	return false
}

// needsBefore reports whether a subscription needs a message with a sequence below seq, or may.
func (f *Fanout) needsBefore(id SubID, s *subscription, seq uint64) bool {
	a := f.audienceOf(s)
	pos, what := f.want(a, id, s, a.topic.Head())
	if what != due {
		return what != nothing
	}
	first, what := a.sequence(pos)
	return what != due || first < seq
}

// passedOn moves the cursors of a connection's other subscriptions over a message that it has got, so that it gets it
// once. They need nothing before it, but for what is withheld from them.
func (f *Fanout) passedOn(id SubID, m *Message) {
	for at := f.subs.at(id).next; at != id; {
		s := f.subs.at(at)
		a := f.audienceOf(s)
		if s.is(paced) {
			f.pacers[at].reached = max(f.pacers[at].reached, m.seq)
		}
		switch {
		case a.topic.view != nil && !s.is(paced):
			s.cursor = max(s.cursor, mark(m.seq))
		case a.topic == m.topic && s.cursor < bySeq:
			s.cursor = max(s.cursor, mark(m.pos))
		}
		at = s.next
	}
}

// goOn keeps a connection in the catch-up queue as long as it needs something.
func (f *Fanout) goOn(id SubID, s *subscription) {
	if f.owes(id) {
		f.queueAgain(id, s)
		return
	}
	f.allCaughtUp(id)
}

// owes reports whether any subscription of a connection is behind its topic's head.
func (f *Fanout) owes(id SubID) bool {
	for at := id; ; {
		s := f.subs.at(at)
		a := f.audienceOf(s)
		if head := a.topic.Head(); !s.is(withheld) && a.settle(s, head) < head {
			return true
		}
		if at = s.next; at == id {
			return false
		}
	}
}

// allCaughtUp is caughtUp for all subscriptions of a connection.
func (f *Fanout) allCaughtUp(id SubID) {
	for at := id; ; {
		s := f.subs.at(at)
		f.caughtUp(f.audienceOf(s), at, s)
		if at = s.next; at == id {
			return
		}
	}
}

// isQueued reports whether a connection is in the catch-up queue.
func (f *Fanout) isQueued(id SubID) bool {
	for at := id; ; {
		s := f.subs.at(at)
		if s.is(queued) {
			return true
		}
		if at = s.next; at == id {
			return false
		}
	}
}
