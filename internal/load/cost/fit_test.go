package cost

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noise makes the error of each of n samples taken one after the other, in bytes.
type noise struct {
	name string
	make func(r *rand.Rand, n int) []float64
	// covers is the least part of the intervals that must contain the truth. 0.95 is what they promise of many blocks.
	covers float64
	// margin is the most that half an interval may be, as a part of the slope: one that says nothing covers everything.
	margin float64
}

func white(r *rand.Rand, n int) []float64 {
	e := make([]float64, n)
	for i := range e {
		e[i] = r.NormFloat64() * 100_000
	}
	return e
}

// drifting errors remember nine tenths of the one before.
func drifting(r *rand.Rand, n int) []float64 {
	e, last := make([]float64, n), r.NormFloat64()*100_000
	for i := range e {
		last = 0.9*last + math.Sqrt(1-0.81)*r.NormFloat64()*100_000
		e[i] = last
	}
	return e
}

// collected errors are a heap's: garbage grows at random speed and falls to nothing some ten times in the ramp.
func collected(r *rand.Rand, n int) []float64 {
	e, garbage := make([]float64, n), r.Float64()*400_000
	for i := range e {
		if garbage += 40_000 * 2 * r.Float64() * 100 / float64(n); garbage > 400_000 {
			garbage = 0
		}
		e[i] = garbage
	}
	return e
}

// wild errors are white, and one in ten is somebody else's megabytes.
func wild(r *rand.Rand, n int) []float64 {
	e := white(r, n)
	for i := range e {
		if r.IntN(10) == 0 {
			e[i] += 20_000_000 * r.Float64()
		}
	}
	return e
}

// ramp returns n samples of up to conns connections, of which each costs each bytes in steps of so many.
func ramp(n int, conns, each, step float64, errors []float64) []Point {
	p := make([]Point, n)
	for i := range p {
		x := math.Round(conns * float64(i) / float64(n-1))
		p[i] = Point{X: x, Y: 30e6 + each*step*math.Ceil(x/step) + errors[i]}
	}
	return p
}

func TestCoverage(t *testing.T) {
	const each = 250.0
	for _, tt := range []noise{
		{"white", white, 0.90, 0.06},
		{"drifting", drifting, 0.82, 0.15},
		{"collected", collected, 0.90, 0.10},
		{"wild", wild, 0.90, 0.12},
	} {
		for _, samples := range []int{12, 25, 100} {
			runs := 10_000 / samples // pairs of samples are what takes time
			r := rand.New(rand.NewPCG(1, uint64(samples)))
			covered, margins, bias := 0, 0.0, 0.0
			for range runs {
				f, why := FitLine(ramp(samples, 20_000, each, 1024, tt.make(r, samples)))
				if why != "" {
					t.Fatalf("%s, %d samples: %s", tt.name, samples, why)
				}
				slope, low, high := f.Slope()
				if low <= each && each <= high {
					covered++
				}
				margins += (high - low) / 2 / each / float64(runs)
				bias += (slope - each) / each / float64(runs)
			}
			got := float64(covered) / float64(runs)
			t.Logf("%s, %d samples: covered %.3f, mean margin %.3f, bias %+.4f", tt.name, samples, got, margins, bias)
			if got < tt.covers {
				t.Errorf("%s, %d samples: %.3f of the intervals contain the truth, want %.2f", tt.name, samples, got, tt.covers)
			}
			if samples >= 25 && margins > tt.margin {
				t.Errorf("%s, %d samples: intervals of ±%.3f, want ±%.2f at most", tt.name, samples, margins, tt.margin)
			}
			if math.Abs(bias) > 0.02 {
				t.Errorf("%s, %d samples: slopes are off by %+.4f on average, want none", tt.name, samples, bias)
			}
		}
	}
}
