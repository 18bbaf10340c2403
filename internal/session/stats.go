package session

import (
	"maps"
	"time"

	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
)

// Counters is what the sessions of one loop have done.
type Counters struct {
	// Sessions is how many there are now.
	Sessions [transports][phases]int
	// Handshakes counts sessions opened.
	Handshakes [transports]uint64
	// Refused counts requests and connections refused, by code.
	Refused map[string]uint64
	// Closed counts connections ended, by reason; see ReasonName.
	Closed map[string]uint64
	// BadForwarded counts connections of trusted proxies whose client could not be told from what they said.
	BadForwarded uint64
	// Commands counts the commands of tickgate.v1 that could be read.
	Commands [envelope.Kinds]uint64
	// CommandErrors counts commands answered with an error, by code.
	CommandErrors map[string]uint64
	// BacklogPauses counts the times accepting was paused because of Config.HandshakeBacklog.
	BacklogPauses uint64
}

// Snapshot is a loop's counters at one moment.
type Snapshot struct {
	Counters
	Loop   epoll.Stats
	Fanout hub.FanoutStats
}

// Snapshot asks the loop for its counters and waits for them for at most patience: a loop answers behind the events at
// hand. It reports false, with the counters of the last answer, if the loop did not answer in time or has ended. Safe for
// concurrent use.
func (l *Loop) Snapshot(patience time.Duration) (Snapshot, bool) {
	answer := make(chan Snapshot, 1)
	if !l.epoll.Post(func() { answer <- l.snapshot() }) {
		return l.last(), false
	}
	select {
	case s := <-answer:
		l.answered.Store(&s)
		return s, true
	case <-l.epoll.Done():
	case <-time.After(patience):
	}
	return l.last(), false
}

func (l *Loop) last() Snapshot {
	if s := l.answered.Load(); s != nil {
		return *s
	}
	return Snapshot{}
}

func (l *Loop) snapshot() Snapshot {
	s := Snapshot{Counters: l.counters, Loop: l.epoll.Stats(), Fanout: l.fanout.Stats()}
	s.Refused, s.Closed = maps.Clone(l.counters.Refused), maps.Clone(l.counters.Closed)
	s.CommandErrors = maps.Clone(l.counters.CommandErrors)
	return s
}

// EachSession calls f with the number of sessions of each transport and phase.
func (s *Snapshot) EachSession(f func(Transport, Phase, int)) {
	for t := range transports {
		for p := range phases {
			f(t, p, s.Sessions[t][p])
		}
	}
}

// EachHandshake calls f with the number of sessions opened of each transport; HTTP opens none.
func (s *Snapshot) EachHandshake(f func(Transport, uint64)) {
	for t := WebSocket; t < transports; t++ {
		f(t, s.Handshakes[t])
	}
}

// EachCommand calls f with the number of commands of each kind.
func (s *Snapshot) EachCommand(f func(envelope.Kind, uint64)) {
	for k := envelope.Sub; int(k) < envelope.Kinds; k++ {
		f(k, s.Commands[k])
	}
}
