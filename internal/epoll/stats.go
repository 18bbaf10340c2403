package epoll

import (
	"time"

	"golang.org/x/sys/unix"
)

// Stats is what a loop has done so far and holds now.
type Stats struct {
	// Counters.
	Accepted     uint64 // taken off the accept queue, refused ones included
	BytesIn      uint64
	BytesOut     uint64
	Partial      uint64 // sends of which the kernel took a part
	Blocked      uint64 // sends of which the kernel took nothing
	AcceptPauses uint64 // times the listener rested because descriptors or kernel memory were exhausted
	Busy         time.Duration

	// Gauges.
	Conns        int // connections of this loop
	BlockedConns int // of these, how many have a full socket
	UnsentBytes  int // remembered for them

	refused [UserReason]uint64
	blocked int
}

// Refused returns how many connections were refused at accept for reason.
func (s *Stats) Refused(reason Reason) uint64 { return s.refused[reason] }

// Stats returns the loop's counters as of now. Busy is the processor time of the loop's thread, 0 if it has none of its own. Event loop only;
// from elsewhere, Post a function that calls it.
func (l *Loop[S]) Stats() Stats {
	s := l.counters
	s.Conns = l.wheel.count
	s.BlockedConns = s.blocked
	for i := range l.unsent.entries {
		s.UnsentBytes += l.unsent.entries[i].len()
	}
	var ts unix.Timespec
	if !l.cfg.Unlocked && unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) == nil {
		s.Busy = time.Duration(ts.Nano())
	}
	return s
}
