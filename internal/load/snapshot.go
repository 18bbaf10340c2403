package load

import (
	"maps"
	"time"
)

// snapshot is a copy of what a loop knows, made on the loop in as little time as possible: the histograms' counts are
// copied whole and sifted elsewhere.
type snapshot struct {
	Stats
	latency                 [phases][Transports][]int64
	connect, handshake, lag []int64
}

// snapshot copies the loop's state; event loop only.
func (l *loop) snapshot() *snapshot {
	now := time.Now()
	s := &snapshot{connect: counts(l.connect), handshake: counts(l.handshake), lag: counts(l.lag)}
	s.Stats = Stats{
		At: now, ByTransport: l.tallies, Faults: l.faults, Newest: l.newest,
		Ticks: l.ticks.since(now.Add(-TickWindow).UnixNano()),
		Open:  l.open, Slow: l.slow, Dialing: l.dialing, Away: l.away.Len(), Fresh: l.fresh(), GaveUp: l.gaveUp,
		Busy: l.ep.Stats().Busy,
	}
	if l.opened > 0 {
		s.LastOpen = time.Unix(0, l.opened)
	}
	s.Faults.CloseCodes = maps.Clone(l.faults.CloseCodes)
	s.Faults.Statuses = maps.Clone(l.faults.Statuses)
	s.Faults.Examples = maps.Clone(l.faults.Examples)
	for phase := range l.latency {
		for t, h := range l.latency[phase] {
			s.latency[phase][t] = counts(h)
		}
	}
	if l.goal != (Goal{}) {
		l.eachBehind(func(*client) { s.Behind++ })
	}
	return s
}

// counts copies a histogram's counts, or returns nil if it is empty.
func counts(h *hist) []int64 {
	if h.TotalCount() == 0 {
		return nil
	}
	return h.Export().Counts
}

// stats finishes the snapshot; any goroutine.
func (s *snapshot) stats() *Stats {
	for t := range Transports {
		s.Ramp[t] = newDist(s.latency[ramping][t])
		s.Hold[t] = newDist(s.latency[holding][t])
	}
	s.Connect, s.Handshake, s.Lag = newDist(s.connect), newDist(s.handshake), newDist(s.lag)
	return &s.Stats
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
