package compare

import (
	"math"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
)

// perSecond are metrics with a value for each second of the hold. of returns false for a second that has none. Processor times come in steps of 10 ms,
// which a median would repeat; latencies have outliers, which a mean would follow.
var perSecond = []struct {
	name, unit, better string
	basis              Basis
	server             bool // of the server, which may not have been sampled
	of                 func(p report.Point, seconds float64) (float64, bool)
}{
	{"p50 latency", "ms", lower, MedianSecond, false, func(p report.Point, _ float64) (float64, bool) { return p.P50, p.P99 > 0 }},
	{"p99 latency", "ms", lower, MedianSecond, false, func(p report.Point, _ float64) (float64, bool) { return p.P99, p.P99 > 0 }},
	{"slowest message", "ms", lower, MedianSecond, false, func(p report.Point, _ float64) (float64, bool) { return p.Max, p.P99 > 0 }},
	{"messages", "/s", neither, MeanSecond, false, func(p report.Point, s float64) (float64, bool) { return float64(p.Messages) / s, true }},
	{"server CPU", "µs/message", lower, MeanSecond, true, func(p report.Point, s float64) (float64, bool) {
		return 1e6 * p.Server * s / float64(max(p.Messages, 1)), p.Messages > 0
	}},
	{"server cores", "", lower, MeanSecond, true, func(p report.Point, _ float64) (float64, bool) { return p.Server, true }},
	{"swarm cores", "", lower, MeanSecond, false, func(p report.Point, _ float64) (float64, bool) { return p.Swarm, true }},
}

// single are metrics of a whole run. of returns false for what was not measured.
var single = []struct {
	name, unit, better string
	of                 func(r *report.Report) (float64, bool)
}{
	{"p50 latency", "ms", lower, func(r *report.Report) (float64, bool) { return r.Latency.P50, r.Latency.Count > 0 }},
	{"p99 latency", "ms", lower, func(r *report.Report) (float64, bool) { return r.Latency.P99, r.Latency.Count > 0 }},
	{"p99.9 latency", "ms", lower, func(r *report.Report) (float64, bool) { return r.Latency.P999, r.Latency.Count > 0 }},
	{"slowest message", "ms", lower, func(r *report.Report) (float64, bool) { return r.Latency.Max, r.Latency.Count > 0 }},
	{"fan-out, p50", "ms", lower, func(r *report.Report) (float64, bool) { return r.Ticks.Spread.P50, r.Ticks.Count > 0 }},
	{"connect, p99", "ms", lower, func(r *report.Report) (float64, bool) {
		return r.Connections.Connect.P99, r.Connections.Connect.Count > 0
	}},
	{"handshake, p99", "ms", lower, func(r *report.Report) (float64, bool) {
		return r.Connections.Handshake.P99, r.Connections.Handshake.Count > 0
	}},
	{"connects", "/s", neither, func(r *report.Report) (float64, bool) { return r.Connections.PerSecond, true }},
	{"messages lost", "", lower, counted(func(r *report.Report) int64 { return r.Messages.Lost })},
	{"messages skipped", "", lower, counted(func(r *report.Report) int64 { return r.Messages.Conflated })},
	{"doubled or out of order", "", lower, counted(func(r *report.Report) int64 { return r.Messages.Duplicates + r.Messages.Reordered })},
	{"connections broken off", "", lower, func(r *report.Report) (float64, bool) { return float64(r.Connections.Disconnects), true }},
	{"server CPU, user", "µs/message", lower, priced(func(s *report.Server) float64 { return s.User })},
	{"server CPU, kernel", "µs/message", lower, priced(func(s *report.Server) float64 { return s.System })},
	{"server CPU", "µs/connect", lower, priced(func(s *report.Server) float64 { return s.RampCPU })},
	{"server memory, growth / connections", "bytes", lower, priced(func(s *report.Server) float64 { return s.PerConn })},
	{"GC", "cycles", neither, func(r *report.Report) (float64, bool) {
		if r.Gateway == nil {
			return 0, false
		}
		return r.Gateway.GCCycles, true
	}},
}

// slopes are the lines of memory that are compared.
var slopes = []struct{ line, name string }{
	{cost.PSS, "server memory"}, {cost.Live, "server's live heap"}, {cost.Objects, "kernel memory, all ends here"},
}

func counted(of func(*report.Report) int64) func(*report.Report) (float64, bool) {
	return func(r *report.Report) (float64, bool) {
		return float64(of(r)), r.Messages.Received > 0 && r.Messages.Untracked < r.Messages.Received
	}
}

func priced(of func(*report.Server) float64) func(*report.Report) (float64, bool) {
	return func(r *report.Report) (float64, bool) {
		if r.Server == nil {
			return 0, false
		}
		return of(r.Server), true
	}
}

// metrics compares what both runs have. Of runs that are not comparable, no direction is the better one.
func metrics(a, b *report.Report, comparable bool) (list []Metric) {
	for _, m := range perSecond {
		if m.server && (a.Server == nil || b.Server == nil) {
			continue // it was not sampled, which is not 0
		}
		before, after := held(a, m.of), held(b, m.of)
		center := m.basis.center()
		estimate, i, ok := change(before, after, center)
		if !ok {
			continue
		}
		list = append(list, Metric{
			Name: m.name, Unit: m.unit, Better: m.better, A: center(before), B: center(after), Basis: m.basis, Change: &estimate, Low: &i.low, High: &i.high,
		})
	}
	for _, s := range slopes {
		if m, ok := slope(a.Cost.Line(s.line), b.Cost.Line(s.line)); ok {
			m.Name = s.name
			list = append(list, m)
		}
	}
	for _, m := range single {
		before, known := m.of(a)
		after, too := m.of(b)
		if known && too && sane(before) && sane(after) {
			list = append(list, Metric{Name: m.name, Unit: m.unit, Better: m.better, Basis: WholeRun, A: before, B: after})
		}
	}
	for i := range list {
		if !comparable {
			list[i].Better = neither
		}
		list[i].judge()
	}
	return list
}

// held returns a metric's values in the seconds of the hold.
func held(r *report.Report, of func(report.Point, float64) (float64, bool)) (values []float64) {
	for i, p := range r.Series {
		if i == 0 || r.Series[i-1].At < r.Phases.HoldFrom || p.At > r.Phases.HoldTo {
			continue
		}
		if seconds := p.At - r.Series[i-1].At; seconds > 0 {
			if v, ok := of(p, seconds); ok {
				values = append(values, v)
			}
		}
	}
	return values
}

// slope compares two lines, whose errors are independent. A line that could be chance is nothing to divide by.
func slope(a, b *cost.Line) (Metric, bool) {
	if !a.Grows() || !b.Grows() || a.BytesPerConn <= 0 {
		return Metric{}, false
	}
	change := b.BytesPerConn/a.BytesPerConn - 1
	margin := math.Hypot(b.High-b.Low, a.High-a.Low) / 2 / a.BytesPerConn
	low, high := change-margin, change+margin
	return Metric{Unit: "bytes/connection", Better: lower, Basis: RampSlope, A: a.BytesPerConn, B: b.BytesPerConn, Change: &change, Low: &low, High: &high}, true
}
