package session

import (
	"maps"
	"time"

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
// hand. It reports false if the loop did not answer in time or has ended. Safe for concurrent use.
func (l *Loop) Snapshot(patience time.Duration) (Snapshot, bool) {
	answer := make(chan Snapshot, 1)
	if !l.epoll.Post(func() { answer <- l.snapshot() }) {
		return Snapshot{}, false
	}
	select {
	case s := <-answer:
		return s, true
	case <-l.epoll.Done():
	case <-time.After(patience):
	}
	return Snapshot{}, false
}

func (l *Loop) snapshot() Snapshot {
	s := Snapshot{Counters: l.counters, Loop: l.epoll.Stats(), Fanout: l.fanout.Stats()}
	s.Refused, s.Closed = maps.Clone(l.counters.Refused), maps.Clone(l.counters.Closed)
	return s
}
