package hub

import (
	"sync/atomic"
	"time"
)

// durationBuckets is the number of finite buckets; the bounds double from 100 µs to 13 s.
const durationBuckets = 18

const firstBound = 100 * time.Microsecond

// Histogram is a snapshot of durations. Bucket i counts those of at most Bounds()[i], not cumulatively; the
// last one counts those above all bounds.
type Histogram struct {
	Buckets [durationBuckets + 1]uint64
	Sum     time.Duration
}

// Bounds returns the upper bounds of all buckets but the last.
func (Histogram) Bounds() [durationBuckets]time.Duration {
	var bounds [durationBuckets]time.Duration
	for i := range bounds {
		bounds[i] = firstBound << i
	}
	return bounds
}

// Count returns the number of durations observed.
func (h Histogram) Count() (n uint64) {
	for _, b := range h.Buckets {
		n += b
	}
	return n
}

// histogram is written by one goroutine and read by any.
type histogram struct {
	buckets [durationBuckets + 1]atomic.Uint64
	sum     atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < durationBuckets && d > firstBound<<i {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

func (h *histogram) snapshot() (s Histogram) {
	for i := range h.buckets {
		s.Buckets[i] = h.buckets[i].Load()
	}
	s.Sum = time.Duration(h.sum.Load())
	return s
}
