package load

import (
	"maps"
	"time"
)

// snapshot copies the loop's state, which takes 0.1 ms; event loop only.
func (l *loop) snapshot() *Stats {
	now := time.Now()
	s := &Stats{
		At: now, ByTransport: l.tallies, Faults: l.faults, Newest: l.newest,
		Ticks: l.ticks.since(now.Add(-TickWindow).UnixNano()),
		Open:  l.open, Slow: l.slow, Dialing: l.dialing, Away: l.away.Len(), Fresh: l.fresh(), GaveUp: l.gaveUp,
		Connect: l.connect.dist(), Handshake: l.handshake.dist(), Lag: l.lag.dist(), Left: l.absence.left,
	}
	for t := range Transports {
		s.ByTransport[t].Add(&l.absence.tallies[t])
		s.Returned.Add(&l.absence.tallies[t])
	}
	if l.absence.stayed != nil {
		s.Stayed, s.CaughtUp = l.absence.stayed.dist(), l.absence.caughtUp.dist()
	}
	if l.opened > 0 {
		s.LastOpen = time.Unix(0, l.opened)
	}
	s.Faults.CloseCodes = maps.Clone(l.faults.CloseCodes)
	s.Faults.Statuses = maps.Clone(l.faults.Statuses)
	s.Faults.Examples = maps.Clone(l.faults.Examples)
	for t := range Transports {
		s.Ramp[t], s.Hold[t] = l.latency[ramping][t].dist(), l.latency[holding][t].dist()
	}
	l.eachBehind(func(*client, view, uint64) { s.Behind++ })
	return s
}

// eachBehind calls f for every client and topic whose goal the client should have reached and has not, with what it has
// seen of the topic.
func (l *loop) eachBehind(f func(s *client, v view, goal uint64)) {
	if l.goals == nil {
		return
	}
	for _, c := range l.roster {
		s := c.State()
		if s.flags&flagSlow != 0 {
			continue
		}
		for k := range l.views.each {
			goal := l.goals[l.topics.of(int(s.index), k)]
			if v := l.views.of(s, k); v.newest < goal.Newest && (s.mark < goal.Since || l.owed(s)) {
				f(s, v, goal.Newest)
			}
		}
	}
}

// owed reports whether a client is to get what was published before it was connected.
func (l *loop) owed(s *client) bool { return l.cfg.Policy == All && s.flags&flagResumed != 0 }

// condemn counts what the clients that are behind have lost: the newest message, which no policy may swallow, and
// under All everything before it too; under Latest that counts as conflated. It ends the account of the returns as well.
func (l *loop) condemn() {
	l.bookReturns()
	l.eachBehind(func(s *client, v view, goal uint64) {
		t := l.tally(s)
		t.Lost++
		if v.span > 0 {
			l.bookGap(s, t, int64(goal-v.newest-1))
		}
	})
}
