package infer

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Level is the confidence of all intervals, and 1-Level the rate of false differences that all metrics of an experiment share.
const Level = 0.95

// Effect is what the blocks say about one metric of one variant against the baseline. Differences are those given to Estimate: of values, or of their
// logarithms.
type Effect struct {
	Blocks   int
	Estimate float64 // the Hodges-Lehmann estimate, the median of the means of all pairs of differences
	Low      float64 // with High the interval of confidence Level; infinite if there are too few blocks for one
	High     float64
	P        float64 // two-sided and exact, not corrected for other metrics
	Spread   float64 // standard deviation of the differences; 0 for fewer than two blocks
}

// Compute returns the effect of one difference per block. It does not change its argument. No differences give an Effect that says nothing: P 1, and
// an infinite interval.
func Compute(differences []float64) Effect {
	e := Effect{Blocks: len(differences), P: 1, Low: math.Inf(-1), High: math.Inf(1)}
	if len(differences) == 0 {
		return e
	}
	means := walsh(differences)
	e.Estimate = middle(means)
	if len(differences) > 1 {
		e.Spread = stat.StdDev(differences, nil)
	}
	e.P = signedRank(differences)
	if cut := cutoff(len(differences)); cut > 0 {
		e.Low, e.High = means[cut-1], means[len(means)-cut]
	}
	return e
}

// middle returns the median of sorted values.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// walsh returns the means of all pairs of differences, each with itself included, in ascending order.
func walsh(d []float64) []float64 {
	means := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i := range d {
		for j := i; j < len(d); j++ {
			means = append(means, (d[i]+d[j])/2)
		}
	}
	slices.Sort(means)
	return means
}

// cutoff returns which of the ascending Walsh averages, counted from 1 and from either end, bounds the interval of confidence Level for n blocks, or 0
// if n is too small: with fewer than 6 blocks not even all signs being equal is rare enough.
func cutoff(n int) int {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	k, tail := 0, 0.0
	for _, p := range sums(ranks) {
		if tail += p; tail > (1-Level)/2 {
			break
		}
		k++
	}
	return k
}
