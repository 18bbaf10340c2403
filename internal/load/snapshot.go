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
		Connect: l.connect.dist(), Handshake: l.handshake.dist(), Lag: l.lag.dist(),
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
	if l.goal != (Goal{}) {
		l.eachBehind(func(*client) { s.Behind++ })
	}
	return s
}

// eachBehind calls f for every client that should have reached the goal and has not.
func (l *loop) eachBehind(f func(*client)) {
	for _, c := range l.roster {
		s := c.State()
		if s.flags&flagSlow == 0 && s.newest < l.goal.Newest && s.mark < l.goal.Since {
			f(s)
		}
	}
}

// condemn counts what the clients that are behind have lost: the newest message, which no policy may swallow, and
// under All everything before it too; under Latest that counts as conflated.
func (l *loop) condemn() {
	l.eachBehind(func(s *client) {
		t := l.tally(s)
		t.Lost++
		if s.span > 0 {
			l.bookGap(s, t, int64(l.goal.Newest-s.newest-1))
		}
	})
}
