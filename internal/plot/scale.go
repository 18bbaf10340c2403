package plot

import "math"

// Scale takes values to positions. The zero value takes everything to 0.
type Scale struct {
	from, to [2]float64
	log      bool
}

// Linear takes low to a and high to b. If low equals high, everything lands at a.
func Linear(low, high, a, b float64) Scale {
	return Scale{from: [2]float64{low, high}, to: [2]float64{a, b}}
}

// Log does so by the logarithm; low and high must be above zero. What is not lands at a.
func Log(low, high, a, b float64) Scale {
	return Scale{from: [2]float64{math.Log(low), math.Log(high)}, to: [2]float64{a, b}, log: true}
}

// At returns the position of v, which lies outside the picture if v is outside the range.
func (s Scale) At(v float64) Px {
	if s.log {
		if v <= 0 {
			return Px(s.to[0])
		}
		v = math.Log(v)
	}
	if s.from[1] == s.from[0] {
		return Px(s.to[0])
	}
	return Px(s.to[0] + (v-s.from[0])/(s.from[1]-s.from[0])*(s.to[1]-s.to[0]))
}

// Clip returns the position of v, or of the end that is nearer if v is outside the range.
func (s Scale) Clip(v float64) Px {
	low, high := min(s.to[0], s.to[1]), max(s.to[0], s.to[1])
	return Px(min(max(float64(s.At(v)), low), high))
}
