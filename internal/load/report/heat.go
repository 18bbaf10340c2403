package report

import (
	"math"

	"tickgate/internal/load"
)

// Heat is how latencies were spread over time: in each column of time, how many messages had a latency in which bucket. Bucket i reaches from
// Lowest·Ratio^i to Lowest·Ratio^(i+1) milliseconds; the first one holds shorter ones too.
type Heat struct {
	Lowest  float64      `json:"lowest_ms"`
	Ratio   float64      `json:"ratio"`
	Columns []HeatColumn `json:"columns"`
}

// HeatColumn is a part of the run, in the seconds of the series. Its messages are those that came, while connecting or while holding.
type HeatColumn struct {
	From   float64 `json:"from_s"`
	To     float64 `json:"to_s"`
	First  int     `json:"first"` // the bucket of the first count
	Counts []int64 `json:"counts"`
}

// A bucket is an eighth wider than the one before: finer than an eye sees on a page, and 8.6 decades are 172 buckets.
const (
	heatLowest  = 0.01 // ms; nothing crosses loopback faster
	heatDecade  = 20   // buckets in a decade
	heatBuckets = 172  // up to an hour, the longest a histogram holds
	// heatColumns bounds the columns: a page is not wider. When there are more, neighbours are added up.
	heatColumns = 600
)

// heatRatio is from a bucket's lower end to its upper one.
var heatRatio = math.Pow(10, 1.0/heatDecade)

// Bounds returns the ends of a bucket in milliseconds.
func (h *Heat) Bounds(bucket int) (low, high float64) {
	return h.Lowest * math.Pow(h.Ratio, float64(bucket)), h.Lowest * math.Pow(h.Ratio, float64(bucket+1))
}

// heat gathers columns. The zero value is ready.
type heat struct {
	columns []heatColumn
	joined  int // intervals in a column; 0 is one
	open    int // intervals in the last column
}

type heatColumn struct {
	from, to float64
	counts   [heatBuckets]int64
}

// add takes what came in an interval.
func (h *heat) add(from, to float64, d load.Dist) {
	h.joined = max(h.joined, 1)
	if len(h.columns) == 0 || h.open == h.joined {
		if len(h.columns) == heatColumns {
			h.halve()
		}
		h.columns = append(h.columns, heatColumn{from: from})
		h.open = 0
	}
	h.open++
	column := &h.columns[len(h.columns)-1]
	column.to = to
	for _, bar := range load.Histogram(d).Distribution() {
		if bar.Count > 0 {
			column.counts[bucketOf(float64(bar.To)/1000)] += bar.Count
		}
	}
}

// halve adds each column to its neighbour, so that there is room for as many again.
func (h *heat) halve() {
	for i := range heatColumns / 2 {
		left, right := &h.columns[2*i], &h.columns[2*i+1]
		sum := heatColumn{from: left.from, to: right.to, counts: left.counts}
		for bucket, n := range right.counts {
			sum.counts[bucket] += n
		}
		h.columns[i] = sum
	}
	h.columns = h.columns[:heatColumns/2]
	h.joined *= 2
}

func bucketOf(ms float64) int {
	return min(max(int(math.Floor(math.Log10(ms/heatLowest)*heatDecade)), 0), heatBuckets-1)
}

// summary returns the columns without their empty ends, or nil if no message came.
func (h *heat) summary() *Heat {
	sum := &Heat{Lowest: heatLowest, Ratio: heatRatio}
	messages := false
	for i := range h.columns {
		c := &h.columns[i]
		first, end := filled(c.counts[:])
		column := HeatColumn{From: seconds(c.from), To: seconds(c.to), First: first, Counts: append([]int64{}, c.counts[first:end]...)}
		messages = messages || first < end
		sum.Columns = append(sum.Columns, column)
	}
	if !messages {
		return nil
	}
	return sum
}

// filled returns the range from the first count to the last that is not zero.
func filled(counts []int64) (first, end int) {
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if end == 0 {
			first = i
		}
		end = i + 1
	}
	return first, end
}

// seconds rounds to milliseconds, as the document writes times.
func seconds(s float64) float64 { return math.Round(s*1000) / 1000 }
