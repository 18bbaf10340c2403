package cost

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Level is the confidence of all intervals.
const Level = 0.95

const (
	// maxBlocks is how many blocks the jackknife leaves out at most. More would be shorter than the steps that memory grows in: with 10, errors that
	// remember nine tenths of the one before leave 18 % of the intervals without the truth, with 6 it is 9 % (TestCoverage, 100 samples).
	maxBlocks = 6
	// leastPoints make the fewest blocks, 3 of 2, from which anything can be said.
	leastPoints = 6
	// leastSpan is how many connections the samples must be apart: two of the gateway's slabs of 1,024.
	leastSpan = 2048
	// wide is the least distance of a pair that counts, as a part of the span. Pairs within a step of the memory would all say that connections are free.
	wide = 0.25
)

// Point is a number of bytes that was held at a number of connections.
type Point struct{ X, Y float64 }

// Fit is a line through points, with what is needed to say how sure it is. The zero value is no line.
type Fit struct {
	line
	without []line // the same without each of the blocks
}

type line struct{ slope, fixed float64 }

func (l line) at(x float64) float64 { return l.fixed + l.slope*x }

// FitLine fits a line. It does not change points. why is empty, or says why they do not tell.
func FitLine(points []Point) (f Fit, why string) {
	p := slices.Clone(points)
	slices.SortStableFunc(p, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
	switch {
	case len(p) < leastPoints:
		return Fit{}, "too few samples to tell"
	case p[len(p)-1].X-p[0].X < leastSpan:
		return Fit{}, "too few connections to tell"
	}
	whole, ok := theilSen(p)
	f.line = whole
	blocks := min(maxBlocks, len(p)/2)
	for b := 0; b < blocks && ok; b++ {
		from, to := b*len(p)/blocks, (b+1)*len(p)/blocks
		var l line
		l, ok = theilSen(slices.Concat(p[:from], p[to:]))
		f.without = append(f.without, l)
	}
	if !ok {
		return Fit{}, "the samples are too unevenly spread to tell"
	}
	return f, ""
}

// theilSen returns the line with the median slope of all pairs that are wide apart. Points are sorted by X.
func theilSen(p []Point) (l line, ok bool) {
	least := wide * (p[len(p)-1].X - p[0].X)
	slopes := make([]float64, 0, len(p)*(len(p)-1)/2)
	for i := range p {
		for j := len(p) - 1; j > i && p[j].X-p[i].X >= least && p[j].X > p[i].X; j-- {
			slopes = append(slopes, (p[j].Y-p[i].Y)/(p[j].X-p[i].X))
		}
	}
	if len(slopes) == 0 {
		return line{}, false
	}
	l.slope = median(slopes)
	rests := make([]float64, len(p))
	for i := range p {
		rests[i] = p[i].Y - l.slope*p[i].X
	}
	l.fixed = median(rests)
	return l, true
}

// median sorts values and returns the middle.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Slope returns what a connection costs, between low and high with confidence Level.
func (f Fit) Slope() (slope, low, high float64) {
	return f.slope, f.slope - f.margin(func(l line) float64 { return l.slope }), f.slope + f.margin(func(l line) float64 { return l.slope })
}

// Fixed returns where the line meets no connections.
func (f Fit) Fixed() float64 { return f.fixed }

// At returns the line at x connections, between low and high with confidence Level. It says how well the line is known there, not whether memory goes on
// growing along it.
func (f Fit) At(x float64) (y, low, high float64) {
	m := f.margin(func(l line) float64 { return l.at(x) })
	return f.at(x), f.at(x) - m, f.at(x) + m
}

// margin is half an interval for a number that is read from the line: Student's t for the blocks, times the jackknife's standard error.
func (f Fit) margin(of func(line) float64) float64 {
	k := float64(len(f.without))
	if k < 2 {
		return math.Inf(1)
	}
	mean, squares := 0.0, 0.0
	for _, l := range f.without {
		mean += of(l) / k
	}
	for _, l := range f.without {
		squares += (of(l) - mean) * (of(l) - mean)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: k - 1}.Quantile((1 + Level) / 2)
	return t * math.Sqrt(squares*(k-1)/k)
}

// Unevenness returns the median distance of points from the line, as a part of what the line rises over them; infinite for a flat one.
func (f Fit) Unevenness(points []Point) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	rests := make([]float64, 0, len(points))
	for _, p := range points {
		low, high = min(low, p.X), max(high, p.X)
		rests = append(rests, math.Abs(p.Y-f.at(p.X)))
	}
	if len(rests) == 0 {
		return math.Inf(1)
	}
	return median(rests) / math.Abs(f.slope*(high-low))
}
