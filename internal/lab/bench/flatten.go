package bench

import (
	"fmt"
	"maps"
	"math"
	"strconv"

	dto "github.com/prometheus/client_model/go"

	"tickgate/internal/lab"
)

// flatten returns the lines of a metric as they are on the page: histograms and summaries have several.
func flatten(family *dto.MetricFamily) []sample {
	var lines []sample
	for _, metric := range family.GetMetric() {
		l := lister{name: family.GetName(), labels: map[string]string{}}
		for _, pair := range metric.GetLabel() {
			l.labels[pair.GetName()] = pair.GetValue()
		}
		switch family.GetType() {
		case dto.MetricType_COUNTER:
			l.add("", metric.GetCounter().GetValue())
		case dto.MetricType_HISTOGRAM:
			l.histogram(metric.GetHistogram())
		case dto.MetricType_SUMMARY:
			l.summary(metric.GetSummary())
		case dto.MetricType_GAUGE:
			l.gauge(metric.GetGauge().GetValue())
		default:
			l.gauge(metric.GetUntyped().GetValue())
		}
		lines = append(lines, l.lines...)
	}
	return lines
}

// lister collects the lines of one metric.
type lister struct {
	name   string
	labels map[string]string
	lines  []sample
}

func (l *lister) add(suffix string, value float64) {
	l.lines = append(l.lines, sample{name: l.name + suffix, labels: l.labels, value: value})
}

func (l *lister) gauge(value float64) {
	l.lines = append(l.lines, sample{name: l.name, labels: l.labels, gauge: true, value: value})
}

func (l *lister) histogram(h *dto.Histogram) {
	for _, bucket := range h.GetBucket() {
		labels := maps.Clone(l.labels)
		labels["le"] = strconv.FormatFloat(bucket.GetUpperBound(), 'g', -1, 64)
		l.lines = append(l.lines, sample{name: l.name + "_bucket", labels: labels, value: float64(bucket.GetCumulativeCount())})
	}
	l.add("_sum", h.GetSampleSum())
	l.add("_count", float64(h.GetSampleCount()))
}

func (l *lister) summary(s *dto.Summary) {
	for _, quantile := range s.GetQuantile() {
		labels := maps.Clone(l.labels)
		labels["quantile"] = strconv.FormatFloat(quantile.GetQuantile(), 'g', -1, 64)
		l.lines = append(l.lines, sample{name: l.name, labels: labels, gauge: true, value: quantile.GetValue()})
	}
	l.add("_sum", s.GetSampleSum())
	l.add("_count", float64(s.GetSampleCount()))
}

// key identifies a line; fmt prints maps in the order of their keys.
func (s sample) key() string { return fmt.Sprint(s.name, s.labels) }

// pair joins the pages of both ends of the window. A line that was not there at the beginning began at zero. Lines that are no numbers, such as the quantiles
// of an empty summary, are left out: JSON cannot hold them.
func pair(before, after []sample) []lab.Series {
	began := make(map[string]float64, len(before))
	for _, s := range before {
		began[s.key()] = s.value
	}
	series := make([]lab.Series, 0, len(after))
	for _, s := range after {
		if before := began[s.key()]; !finite(before) || !finite(s.value) {
			continue
		}
		series = append(series, lab.Series{Name: s.name, Labels: s.labels, Gauge: s.gauge, Before: began[s.key()], After: s.value})
	}
	return series
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
