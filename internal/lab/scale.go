package lab

import (
	"math"

	"tickgate/internal/lab/infer"
)

// scale is how the values of a metric are compared: as they are, or by their logarithms, whose differences are ratios.
type scale struct {
	kind    Comparison
	minimum float64 // the smallest effect of interest, as a share (Ratio) or a difference
}

// scaleOf chooses the metric's scale. A ratio is possible only of positive values; where there are others the difference takes its place, and a
// smallest effect given in percent then refers to the larger of the medians.
func scaleOf(m Metric, runs [2][]float64) scale {
	kind := m.Effect
	for _, value := range append(runs[0][:len(runs[0]):len(runs[0])], runs[1]...) {
		if value <= 0 {
			kind = Difference
		}
	}
	if kind == Ratio {
		return scale{Ratio, m.MinEffect.Share}
	}
	if m.MinEffect.Absolute > 0 {
		return scale{Difference, m.MinEffect.Absolute}
	}
	size := 0.0
	for _, values := range runs {
		if median := math.Abs(infer.Summarise(values).Median); median > size {
			size = median
		}
	}
	return scale{Difference, m.MinEffect.Share * size}
}

// mean returns the mean of a block's runs on the scale.
func (s scale) mean(values []float64) float64 {
	sum := 0.0
	for _, value := range values {
		if s.kind == Ratio {
			value = math.Log(value)
		}
		sum += value
	}
	return sum / float64(len(values))
}

// show turns a difference on the scale into a share of the baseline, or leaves it a difference.
func (s scale) show(difference float64) float64 {
	if s.kind == Ratio {
		return math.Expm1(difference)
	}
	return difference
}

// bound is show for the end of an interval, nil if it has none.
func (s scale) bound(difference float64) *float64 {
	if math.IsInf(difference, 0) {
		return nil
	}
	shown := s.show(difference)
	return &shown
}

// reach returns the differences on the scale that reach the smallest effect of interest.
func (s scale) reach() (below, above float64) {
	if s.kind == Ratio {
		return math.Log1p(-min(s.minimum, 0.99)), math.Log1p(s.minimum)
	}
	return -s.minimum, s.minimum
}
