package feed

import (
	"context"
	"time"
)

// schedule gives out the multiples of a step in Unix time, each once it has come. It follows the wall clock,
// for that is what subscribers compare ticks with, and does not drift.
type schedule struct {
	step time.Duration
	// patience is how late a time may be and still be given out.
	patience time.Duration
	next     time.Time // without a monotonic reading
	timer    *time.Timer
}

func newSchedule(step, patience time.Duration) *schedule {
	s := &schedule{step: step, patience: patience, timer: time.NewTimer(0)}
	s.next = s.after(now())
	return s
}

// now returns the wall clock's time without the monotonic reading, which would win in calculations.
func now() time.Time { return time.Now().Round(0) }

// after returns the first multiple after t.
func (s *schedule) after(t time.Time) time.Time {
	ns := t.UnixNano()
	return time.Unix(0, ns-ns%int64(s.step)+int64(s.step))
}

// wait waits for the next multiple and returns it. Those that are later than the schedule's patience are left out, and
// their number is returned: a feed that was held up goes on in time. It reports ok false when the context ends.
func (s *schedule) wait(ctx context.Context) (intended time.Time, late uint64, ok bool) {
	t := now()
	if s.next.Sub(t) > s.step {
		s.next = s.after(t) // the clock has been set back
	}
	if over := t.Sub(s.next) - s.patience; over >= 0 {
		left := over/s.step + 1
		late = uint64(left)
		s.next = s.next.Add(left * s.step)
	}
	s.timer.Reset(s.next.Sub(t))
	select {
	case <-ctx.Done():
		return time.Time{}, late, false
	case <-s.timer.C:
	}
	intended = s.next
	s.next = s.next.Add(s.step)
	return intended, late, true
}

func (s *schedule) stop() { s.timer.Stop() }
