package plot

import "math"

// Axis is a range with round ends, divided into equal steps.
type Axis struct{ Low, High, Step float64 }

// NewAxis returns an axis with about steps steps that holds both values, which need not include zero. Of an empty range (infinite ends) it is 0 to 1.
func NewAxis(low, high float64, steps int) Axis {
	if math.IsInf(low, 0) || math.IsInf(high, 0) || math.IsNaN(low+high) {
		low, high = 0, 1
	}
	if high <= low {
		margin := math.Abs(low) * 0.05
		if margin == 0 {
			margin = 1
		}
		low, high = low-margin, high+margin
	}
	step := roundStep((high - low) / float64(steps))
	return Axis{math.Floor(low/step) * step, math.Ceil(high/step) * step, step}
}

// roundStep returns the smallest of 1, 2, 2.5 and 5 times a power of ten that is not below x.
func roundStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if factor*power >= x {
			return factor * power
		}
	}
	return 10 * power
}

// Ticks returns the values at the ends of the steps.
func (a Axis) Ticks() []float64 {
	var list []float64
	for i := range int(math.Round((a.High-a.Low)/a.Step)) + 1 {
		list = append(list, a.Low+float64(i)*a.Step)
	}
	return list
}

// Inside returns the ticks between low and high, for an axis whose ends are not round.
func Inside(low, high float64, steps int) (ticks []float64) {
	for _, v := range NewAxis(low, high, steps).Ticks() {
		if v >= low && v <= high {
			ticks = append(ticks, v)
		}
	}
	return ticks
}

// Decades returns 1, 2 and 5 times the powers of ten between low and high, or the powers alone if there are more than most of them. Both ends must be
// above zero.
func Decades(low, high float64, most int) (ticks []float64) {
	for _, factors := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		ticks = ticks[:0]
		for power := math.Floor(math.Log10(low)); power <= math.Log10(high); power++ {
			for _, factor := range factors {
				if v := factor * math.Pow(10, power); v >= low*(1-tiny) && v <= high*(1+tiny) {
					ticks = append(ticks, v)
				}
			}
		}
		if len(ticks) <= most {
			break
		}
	}
	return ticks
}

// tiny is the part by which a computed power of ten may be off.
const tiny = 1e-9
