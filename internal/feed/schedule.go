package feed

import (
	"context"
	"time"
)

// schedule gives out the multiples of an interval in Unix time, each once it has come. It follows the wall clock,
// for that is what subscribers compare ticks with, and does not drift.
type schedule struct {
	interval time.Duration
	next     time.Time // without a monotonic reading
	timer    *time.Timer
}

func newSchedule(interval time.Duration) *schedule {
	s := &schedule{interval: interval, timer: time.NewTimer(0)}
	s.next = s.after(now())
	return s
}

// now returns the wall clock's time without the monotonic reading, which would win in calculations.
func now() time.Time { return time.Now().Round(0) }

// after returns the first multiple after t.
func (s *schedule) after(t time.Time) time.Time {
	ns := t.UnixNano()
	return time.Unix(0, ns-ns%int64(s.interval)+int64(s.interval))
}

// wait waits for the next multiple and returns it. Of those that have gone by already it returns the last one, and
// the number of the others: a feed that was held up goes on in time, and never bursts. It reports ok false when
// the context ends.
func (s *schedule) wait(ctx context.Context) (intended time.Time, late uint64, ok bool) {
	t := now()
	if s.next.Sub(t) > s.interval {
		s.next = s.after(t) // the clock has been set back
	}
	if behind := t.Sub(s.next) / s.interval; behind > 0 {
		late = uint64(behind)
		s.next = s.next.Add(behind * s.interval)
	}
	s.timer.Reset(s.next.Sub(t))
	select {
	case <-ctx.Done():
		return time.Time{}, late, false
	case <-s.timer.C:
	}
	intended = s.next
	s.next = s.next.Add(s.interval)
	return intended, late, true
}

func (s *schedule) stop() { s.timer.Stop() }
