package compare

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	// level is the confidence of intervals.
	level = 0.95
	// resamples is how often the seconds are drawn again: the interval's ends vary by some hundredths of its width then.
	resamples = 2000
	// leastSeconds make an interval. Of fewer, a few blocks would be the same ones again and again.
	leastSeconds = 12
)

// interval is a range of relative changes: 0.1 is a tenth more than before.
type interval struct{ low, high float64 }

// change returns by how much the center of b's seconds exceeds that of a's, as a part of a's, with its interval; ok is false if there are too few
// seconds, or if a's center is 0. The draw is the same each time, so that a comparison made again says the same.
func change(a, b []float64, center func([]float64) float64) (estimate float64, i interval, ok bool) {
	base := center(a)
	if min(len(a), len(b)) < leastSeconds || base == 0 {
		return 0, interval{}, false
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // statistics, not secrets
	changes := make([]float64, 0, resamples)
	for range resamples {
		if m := center(redraw(r, a)); m != 0 {
			changes = append(changes, center(redraw(r, b))/m-1)
		}
	}
	if len(changes) < resamples/2 {
		return 0, interval{}, false
	}
	slices.Sort(changes)
	at := func(share float64) float64 { return changes[int(share*float64(len(changes)-1)+0.5)] }
	return center(b)/base - 1, interval{at((1 - level) / 2), at((1 + level) / 2)}, true
}

// redraw returns as many values as there are, in blocks that are drawn with replacement and may begin anywhere; the end goes on at the beginning, so
// that each value is drawn as often as the others (Politis and Romano 1992).
func redraw(r *rand.Rand, values []float64) []float64 {
	n := len(values)
	block := blockLength(n)
	drawn := make([]float64, 0, n+block)
	for len(drawn) < n {
		from := r.IntN(n)
		for i := range block {
			drawn = append(drawn, values[(from+i)%n])
		}
	}
	return drawn[:n]
}

// blockLength grows with the cube root of the number of values, as it must for the interval to become right (Hall, Horowitz and Jing 1995).
func blockLength(n int) int { return max(int(math.Ceil(math.Cbrt(float64(n)))), 2) }

// median does not change its argument. Of no values it is 0.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// mean of no values is 0.
func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}
