package load

import (
	"github.com/HdrHistogram/hdrhistogram-go"
)

// Dist is a distribution of durations as it travels and adds up: the counts of an HdrHistogram's buckets without the
// empty ones. The zero value is empty. Immutable.
type Dist struct {
	Index []int32 // ascending
	Count []int64
}

func newDist(counts []int64) Dist {
	filled := 0
	for _, n := range counts {
		if n != 0 {
			filled++
		}
	}
	d := makeDist(filled)
	for i, n := range counts {
		if n != 0 {
			d.Index, d.Count = append(d.Index, int32(i)), append(d.Count, n)
		}
	}
	return d
}

func makeDist(size int) Dist {
	if size == 0 {
		return Dist{}
	}
	return Dist{Index: make([]int32, 0, size), Count: make([]int64, 0, size)}
}

// Histogram returns the sum of distributions as an HdrHistogram of microseconds.
func Histogram(dists ...Dist) *hdrhistogram.Histogram {
	sum := newHist().Export()
	for _, d := range dists {
		d.addTo(sum.Counts)
	}
	return hdrhistogram.Import(sum)
}

// Merge returns the sum of d and e.
func (d Dist) Merge(e Dist) Dist {
	if len(d.Index) == 0 {
		return e
	}
	return d.combine(e, 1)
}

// Since returns what d has counted since it was earlier.
func (d Dist) Since(earlier Dist) Dist { return d.combine(earlier, -1) }

// combine returns d and sign times e.
func (d Dist) combine(e Dist, sign int64) Dist {
	if len(e.Index) == 0 {
		return d
	}
	sum := makeDist(len(d.Index) + len(e.Index))
	for i, j := 0, 0; i < len(d.Index) || j < len(e.Index); {
		var index int32
		var n int64
		switch {
		case j == len(e.Index) || i < len(d.Index) && d.Index[i] < e.Index[j]:
			index, n = d.Index[i], d.Count[i]
			i++
		case i == len(d.Index) || e.Index[j] < d.Index[i]:
			index, n = e.Index[j], sign*e.Count[j]
			j++
		default:
			index, n = d.Index[i], d.Count[i]+sign*e.Count[j]
			i, j = i+1, j+1
		}
		if n != 0 {
			sum.Index, sum.Count = append(sum.Index, index), append(sum.Count, n)
		}
	}
	return sum
}

// Total returns how many durations were counted.
func (d Dist) Total() (n int64) {
	for _, c := range d.Count {
		n += c
	}
	return n
}
