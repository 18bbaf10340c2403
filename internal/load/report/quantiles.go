package report

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tickgate/internal/load"
)

// Quantiles describes a distribution of durations, in milliseconds with three significant digits.
type Quantiles struct {
	Count int64   `json:"count"`
	Min   float64 `json:"min_ms"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// quantiles describes the sum of distributions.
func quantiles(dists ...load.Dist) Quantiles { return describe(load.Histogram(dists...)) }

// describe takes a histogram of microseconds.
func describe(h *hdrhistogram.Histogram) Quantiles {
	q := Quantiles{Count: h.TotalCount()}
	if q.Count == 0 {
		return q
	}
	q.Min, q.Mean, q.Max = ms(float64(h.Min())), ms(h.Mean()), ms(float64(h.Max()))
	v := h.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9})
	q.P50, q.P90, q.P99, q.P999 = ms(float64(v[0])), ms(float64(v[1])), ms(float64(v[2])), ms(float64(v[3]))
	return q
}

// ms turns microseconds into milliseconds.
func ms(us float64) float64 { return math.Round(us) / 1000 }
