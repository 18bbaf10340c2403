package report

import (
	"math"

	"tickgate/internal/load"
)

// Curve is a distribution as a curve: which share of the messages came within which time.
type Curve struct {
	Name   string       `json:"name"` // a transport, or "all"
	Count  int64        `json:"count"`
	Points []CurvePoint `json:"points"` // ascending; the last is the maximum, with share 1
}

// CurvePoint says that Share of the messages came within Latency.
type CurvePoint struct {
	Share   float64 `json:"share"`
	Latency float64 `json:"ms"`
}

// curveSteps is how many points a curve has between two nines, such as 90 % and 99 %.
const curveSteps = 12

// curve returns the curve of a sum of distributions. It goes as far as the number of messages gives it a meaning: of 1,000 messages, the 99.9 % are
// the last point before the maximum.
func curve(name string, dists ...load.Dist) Curve {
	h := load.Histogram(dists...)
	c := Curve{Name: name, Count: h.TotalCount()}
	if c.Count == 0 {
		return c
	}
	var shares []float64
	for nines := 0.0; nines < math.Log10(float64(c.Count)); nines += 1.0 / curveSteps {
		shares = append(shares, 1-math.Pow(10, -nines))
	}
	for _, share := range shares {
		value := h.ValueAtPercentile(100 * share)
		c.Points = append(c.Points, CurvePoint{Share: share, Latency: ms(float64(value))})
	}
	c.Points = append(c.Points, CurvePoint{Share: 1, Latency: ms(float64(h.Max()))})
	return c
}

// curves returns those of the hold: one for each transport that was used.
func (run *Run) curves() (list []Curve) {
	for t := range load.Transport(load.Transports) {
		if c := curve(t.String(), run.Final.Hold[t]); c.Count > 0 {
			list = append(list, c)
		}
	}
	return list
}
