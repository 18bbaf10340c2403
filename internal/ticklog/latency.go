package ticklog

import (
	"math"
	"time"
)

// LatencyBins is the number of a Latencies' bins: four for each doubling from 100 µs to 13.1 s, one below and one above.
const LatencyBins = 70

// Latencies counts the deliveries of a process's passes since its start by how long after their message's due time the
// kernel took them. Of a pass its beginning, its end and its deliveries are known; the deliveries are spread evenly between
// the two. Bin i counts those of at most LatencyBound(i) and more than LatencyBound(i-1).
type Latencies [LatencyBins]uint64

const (
	firstLatency   = 100 * time.Microsecond
	binsPerDoubled = 4
)

// latencyBounds are the bounds of all bins but the last in nanoseconds; never written.
var latencyBounds = func() (bounds [LatencyBins - 1]int64) {
	for i := range bounds {
		bounds[i] = int64(math.Round(float64(firstLatency) * math.Pow(2, float64(i)/binsPerDoubled)))
	}
	return bounds
}()

// LatencyBound returns the upper bound of a bin; the last has none and gets the longest time.Duration.
func LatencyBound(bin int) time.Duration {
	if bin >= len(latencyBounds) {
		return math.MaxInt64
	}
	return time.Duration(latencyBounds[bin])
}

// latencyBin returns the bin of a number of nanoseconds.
func latencyBin(ns int64) int {
	low, high := 0, len(latencyBounds)
	for low < high {
		if mid := (low + high) / 2; ns <= latencyBounds[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// spread counts n deliveries that took from first to last nanoseconds.
func (l *Latencies) spread(first, last int64, n uint64) {
	first = max(first, 0) // a clock that is ahead of the publisher's
	last = max(last, first)
	bin, end := latencyBin(first), latencyBin(last)
	var counted uint64
	for ; bin < end; bin++ {
		part := float64(latencyBounds[bin]-first) / float64(last-first)
		upTo := min(uint64(math.Round(part*float64(n))), n)
		l[bin] += upTo - counted
		counted = upTo
	}
	l[end] += n - counted
}

// Latencies returns the counts so far.
func (l *Log) Latencies() Latencies {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latencies
}

// Collections returns the collector's cycles that ended after a moment in Unix nanoseconds, the oldest first, as far as
// they are remembered.
func (l *Log) Collections(moment int64) []Collection {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cycles.read() // the finalizer of the last cycle may be waiting for its turn
	return l.cycles.since(moment)
}
