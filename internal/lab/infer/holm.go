package infer

import (
	"cmp"
	"slices"
)

// Holm returns the p-values corrected for their number by Holm's step-down method (1979), in the order given: rejecting those of at most 1-Level keeps
// the chance of even one false rejection among all of them below 1-Level, however they depend on each other.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	corrected := make([]float64, len(p))
	largest := 0.0
	for step, i := range order {
		largest = max(largest, min(1, p[i]*float64(len(p)-step)))
		corrected[i] = largest
	}
	return corrected
}
