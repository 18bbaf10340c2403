package main

import (
	"math/bits"
	"time"
)

// latencies is a histogram of durations in microseconds with 16 steps for each power of two: quantiles are at most 6 %
// too high. The zero value is empty.
type latencies struct {
	counts [64 * latencySteps]uint64
	n      uint64
	max    time.Duration
}

const latencySteps = 16

// add counts a duration.
func (l *latencies) add(d time.Duration) {
	l.counts[latencyStep(uint64(max(0, d.Microseconds())))]++
	l.n++
	l.max = max(l.max, d)
}

// latencyStep returns the bucket of a number of microseconds: itself below 16, then the power of two and the next four
// bits.
func latencyStep(us uint64) int {
	if us < latencySteps {
		return int(us)
	}
	shift := bits.Len64(us) - 5
	return shift*latencySteps + int(us>>shift)
}

// quantile returns the upper edge of the bucket that holds the q-th part of the durations, 0 if there are none.
func (l *latencies) quantile(q float64) time.Duration {
	rank := uint64(q * float64(l.n))
	var seen uint64
	for step, count := range l.counts {
		if seen += count; count > 0 && seen > rank {
			return min(latencyEdge(step), l.max.Round(time.Microsecond))
		}
	}
	return 0
}

// latencyEdge returns the lowest duration beyond the bucket.
func latencyEdge(step int) time.Duration {
	if step < 2*latencySteps {
		return time.Duration(step+1) * time.Microsecond
	}
	shift := step/latencySteps - 1
	return time.Duration(uint64(step-shift*latencySteps+1)<<shift) * time.Microsecond
}
