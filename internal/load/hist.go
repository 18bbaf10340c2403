package load

import (
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms reach from 1 µs to an hour with three significant digits.
const (
	histLowest  = 1
	histHighest = int64(time.Hour / time.Microsecond)
	histDigits  = 3

	// halfBuckets is half the number of buckets that HdrHistogram divides an octave into to keep three digits: the
	// power of two that is not below 10^3.
	halfBits    = 10
	halfBuckets = 1 << halfBits
)

// newHist returns an HdrHistogram, with which others compute.
func newHist() *hdrhistogram.Histogram {
	return hdrhistogram.New(histLowest, histHighest, histDigits)
}

// hist counts durations in the buckets of an HdrHistogram of microseconds, in an array that is read without being copied
// first. Event loop only.
type hist struct {
	counts    []int64
	low, high int // the range of the buckets that are not empty; low > high if all are
	total     int64
	last      Dist // as of lastTotal
	lastTotal int64
}

func newCounts() *hist {
	return &hist{counts: make([]int64, bucketOf(histHighest)+1), low: 1 << 30, high: -1}
}

// record counts n durations. What lies outside the range counts as its border. It does not allocate.
func (h *hist) record(d time.Duration, n int64) {
	i := bucketOf(min(max(int64(d/time.Microsecond), 0), histHighest))
	h.counts[i] += n
	h.total += n
	h.low, h.high = min(h.low, i), max(h.high, i)
}

// bucketOf returns the index of the bucket of a value: up to 2,048 one for each, then 1,024 for each octave.
func bucketOf(value int64) int {
	octave := max(bits.Len64(uint64(value))-halfBits-1, 0)
	return octave<<halfBits + int(value>>octave)
}

// dist returns what was counted.
func (h *hist) dist() Dist {
	if h.total != h.lastTotal {
		h.last, h.lastTotal = newDist(h.counts[:h.high+1]), h.total
	}
	return h.last
}
