package infer

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Summary describes the runs of one variant by themselves.
type Summary struct {
	Median float64
	// Low and High enclose the median with confidence Level, whatever the distribution; they are runs' values, and infinite for fewer than 6 runs.
	Low, High float64
}

// Summarise describes values, which it does not change. Of no values, the median is NaN.
func Summarise(values []float64) Summary {
	s := Summary{Median: math.NaN(), Low: math.Inf(-1), High: math.Inf(1)}
	if len(values) == 0 {
		return s
	}
	sorted := slices.Sorted(slices.Values(values))
	s.Median = middle(sorted)
	// The number of values below the median is that of heads in as many tosses.
	heads := distuv.Binomial{N: float64(len(sorted)), P: 0.5}
	k := 0
	for heads.CDF(float64(k)) <= (1-Level)/2 {
		k++
	}
	if k > 0 {
		s.Low, s.High = sorted[k-1], sorted[len(sorted)-k]
	}
	return s
}
