package epoll

import (
	"sync/atomic"
	"time"
)

// Meter adds up what a loop spends its time on, by the wall clock: a loop that was not allowed to run meanwhile counts as
// having been at it. Written by the event loop after each event; Read is safe for concurrent use. The zero value is ready.
type Meter struct {
	accepts, reads, timers, work atomic.Int64
}

// Spent is what a Meter has added up.
type Spent struct {
	Accepts time.Duration // taking connections off the accept queue
	Reads   time.Duration // events of connections: OnData, OnWritable, OnClose
	Timers  time.Duration // of the loop itself; timers that are due are part of Work
	Work    time.Duration // OnTimer and OnWork
}

// Read returns the sums so far, without the event at hand.
func (m *Meter) Read() Spent {
	return Spent{
		Accepts: time.Duration(m.accepts.Load()), Reads: time.Duration(m.reads.Load()),
		Timers: time.Duration(m.timers.Load()), Work: time.Duration(m.work.Load()),
	}
}

// kind is what an event was about.
type kind uint8

const (
	kindAccept kind = iota
	kindRead
	kindTimer
	kindWork
)

func (m *Meter) add(k kind, d time.Duration) {
	switch k {
	case kindAccept:
		m.accepts.Add(int64(d))
	case kindRead:
		m.reads.Add(int64(d))
	case kindTimer:
		m.timers.Add(int64(d))
	case kindWork:
		m.work.Add(int64(d))
	}
}
