package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// hist is a histogram of microseconds. Not safe for concurrent use.
type hist = hdrhistogram.Histogram

// Histograms reach from 1 µs to an hour with three significant digits, which takes 190 KB each.
const (
	histLowest  = 1
	histHighest = int64(time.Hour / time.Microsecond)
	histDigits  = 3
)

func newHist() *hist { return hdrhistogram.New(histLowest, histHighest, histDigits) }

// record counts n durations. What lies outside the range counts as its border. It does not allocate.
func record(h *hist, d time.Duration, n int64) {
	µs := min(max(int64(d/time.Microsecond), 0), histHighest)
	_ = h.RecordValues(µs, n) // fails only outside the range
}

// Dist is a distribution of durations as it travels and adds up: the counts of a histogram's buckets without the
// empty ones. The zero value is empty. Immutable.
type Dist struct {
	Index []int32 // ascending
	Count []int64
}

func newDist(counts []int64) Dist {
	var d Dist
	for i, n := range counts {
		if n != 0 {
			d.Index = append(d.Index, int32(i))
			d.Count = append(d.Count, n)
		}
	}
	return d
}

// Histogram returns the sum of distributions as an HdrHistogram of microseconds.
func Histogram(dists ...Dist) *hdrhistogram.Histogram {
	sum := newHist().Export()
	for _, d := range dists {
		d.addTo(sum.Counts, 1)
	}
	return hdrhistogram.Import(sum)
}

func (d Dist) addTo(counts []int64, sign int64) {
	for i, index := range d.Index {
		counts[index] += sign * d.Count[i]
	}
}

// Merge returns the sum of d and e.
func (d Dist) Merge(e Dist) Dist { return d.combine(e, 1) }

// Since returns what d has counted since it was earlier.
func (d Dist) Since(earlier Dist) Dist { return d.combine(earlier, -1) }

func (d Dist) combine(e Dist, sign int64) Dist {
	if len(e.Index) == 0 {
		return d
	}
	top := e.Index[len(e.Index)-1]
	if n := len(d.Index); n > 0 {
		top = max(top, d.Index[n-1])
	}
	counts := make([]int64, top+1)
	d.addTo(counts, 1)
	e.addTo(counts, sign)
	return newDist(counts)
}

// Total returns how many durations were counted.
func (d Dist) Total() (n int64) {
	for _, c := range d.Count {
		n += c
	}
	return n
}
