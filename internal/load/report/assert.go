package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Assert is one condition a report must meet, such as p99<900ms.
type Assert struct {
	Clause string // as written
	metric metric
	op     string
	want   float64 // in the metric's unit
}

// Verdict is what became of an Assert.
type Verdict struct {
	Clause string `json:"clause"`
	Got    string `json:"got"`
	OK     bool   `json:"ok"`
}

// metric is a number that can be asserted. get reports false where it was not measured.
type metric struct {
	name string
	unit unit
	get  func(*Report) (float64, bool)
}

type unit uint8

const (
	count  unit = iota
	millis      // written with a unit: 900ms, 1.5s
	micros      // likewise
	bytes
)

// timed returns a metric for a percentile of a distribution.
func timed(name string, of func(*Report) Quantiles, pick func(Quantiles) float64) metric {
	return metric{name, millis, func(r *Report) (float64, bool) {
		q := of(r)
		return pick(q), q.Count > 0
	}}
}

// counted returns a metric for a number that is always known.
func counted(name string, of func(*Report) float64) metric {
	return metric{name, count, func(r *Report) (float64, bool) { return of(r), true }}
}

// judged returns a metric for a number that is known only if messages carry sequence numbers.
func judged(name string, of func(*Report) int64) metric {
	return metric{name, count, func(r *Report) (float64, bool) {
		m := &r.Messages
		return float64(of(r)), m.Received > 0 && m.Untracked < m.Received
	}}
}

func latency(r *Report) Quantiles { return r.Latency }
func p50(q Quantiles) float64     { return q.P50 }
func p90(q Quantiles) float64     { return q.P90 }
func p99(q Quantiles) float64     { return q.P99 }
func p999(q Quantiles) float64    { return q.P999 }
func most(q Quantiles) float64    { return q.Max }

// metrics returns all that can be asserted.
func metrics() []metric {
	return slices.Concat(connectionMetrics(), messageMetrics(), awayMetrics(), priceMetrics())
}

func connectionMetrics() []metric {
	connect := func(r *Report) Quantiles { return r.Connections.Connect }
	handshake := func(r *Report) Quantiles { return r.Connections.Handshake }
	return []metric{
		counted("connected", func(r *Report) float64 { return float64(r.Connections.Connected) }),
		counted("disconnects", func(r *Report) float64 { return float64(r.Connections.Disconnects) }),
		counted("failures", func(r *Report) float64 { return float64(r.Connections.total()) }),
		counted("gave_up", func(r *Report) float64 { return float64(r.Connections.GaveUp) }),
		{"ramp", millis, func(r *Report) (float64, bool) { return 1000 * r.Phases.Ramp, true }},
		timed("connect_p99", connect, p99), timed("connect_max", connect, most),
		timed("handshake_p99", handshake, p99), timed("handshake_max", handshake, most),
	}
}

func messageMetrics() []metric {
	spread := func(r *Report) Quantiles { return r.Ticks.Spread }
	return []metric{
		timed("p50", latency, p50), timed("p90", latency, p90), timed("p99", latency, p99),
		timed("p999", latency, p999), timed("max", latency, most),
		timed("spread_p50", spread, p50), timed("spread_p99", spread, p99), timed("spread_max", spread, most),
		judged("loss", func(r *Report) int64 { return r.Messages.Lost }),
		judged("conflated", func(r *Report) int64 { return r.Messages.Conflated }),
		judged("duplicates", func(r *Report) int64 { return r.Messages.Duplicates }),
		judged("reordered", func(r *Report) int64 { return r.Messages.Reordered }),
		judged("gaps", func(r *Report) int64 { return r.Messages.Gaps }),
		counted("strays", func(r *Report) float64 { return float64(r.Messages.Strays) }),
		counted("ids_backward", func(r *Report) float64 { return float64(r.Messages.Backward) }),
		counted("messages", func(r *Report) float64 { return float64(r.Messages.Received) }),
		counted("rate", func(r *Report) float64 { return r.Messages.PerSecond }),
		counted("ticks", func(r *Report) float64 { return float64(r.Ticks.Count) }),
	}
}

// awayMetrics are known of a run in which clients were away.
func awayMetrics() []metric {
	number := func(name string, of func(*Away) int64) metric {
		return metric{name, count, func(r *Report) (float64, bool) {
			if r.Away == nil {
				return 0, false
			}
			return float64(of(r.Away)), true
		}}
	}
	part := func(of func(*Away) Quantiles) func(*Report) Quantiles {
		return func(r *Report) Quantiles {
			if r.Away == nil {
				return Quantiles{}
			}
			return of(r.Away)
		}
	}
	before := part(func(a *Away) Quantiles { return a.Before })
	during := part(func(a *Away) Quantiles { return a.Return })
	caughtUp := part(func(a *Away) Quantiles { return a.CaughtUp })
	return []metric{
		number("returned", func(a *Away) int64 { return a.Returned }),
		number("resumed", func(a *Away) int64 { return a.Resumed }),
		number("replayed", func(a *Away) int64 { return a.Replayed }),
		timed("caught_up_p99", caughtUp, p99), timed("caught_up_max", caughtUp, most),
		timed("before_p99", before, p99), timed("return_p99", during, p99),
	}
}

func priceMetrics() []metric {
	server := func(get func(*Server) float64) func(*Report) (float64, bool) {
		return func(r *Report) (float64, bool) {
			if r.Server == nil {
				return 0, false
			}
			return get(r.Server), true
		}
	}
	return []metric{
		{"server_cpu", micros, server(func(s *Server) float64 { return s.CPU })},
		{"connect_cpu", micros, server(func(s *Server) float64 { return s.RampCPU })},
		{"conn_bytes", bytes, server(func(s *Server) float64 { return s.PerConn })},
		{"kernel_bytes", bytes, func(r *Report) (float64, bool) { return r.Kernel.PerConn, r.Connections.Connected > 0 }},
		{"swarm_cpu", micros, func(r *Report) (float64, bool) { return r.Swarm.CPU, r.Messages.PerSecond > 0 }},
		timed("swarm_lag_p99", func(r *Report) Quantiles { return r.Swarm.Lag }, p99),
	}
}

func (c *Connections) total() (n int64) {
	for _, f := range c.Failures {
		n += f
	}
	return n
}

// MetricNames returns the names that may be asserted, for help texts.
func MetricNames() (names []string) {
	for _, m := range metrics() {
		names = append(names, m.name)
	}
	return names
}

// ParseAsserts reads comma-separated clauses NAME OP VALUE; all that is wrong with them is joined in the error.
func ParseAsserts(s string) (asserts []Assert, err error) {
	var errs []error
	for clause := range strings.SplitSeq(s, ",") {
		if clause = strings.TrimSpace(clause); clause == "" {
			continue
		}
		a, err := parseAssert(clause)
		if err != nil {
			errs = append(errs, fmt.Errorf("assert %q: %w", clause, err))
		}
		asserts = append(asserts, a)
	}
	return asserts, errors.Join(errs...)
}

func parseAssert(clause string) (Assert, error) {
	at := strings.IndexAny(clause, "<>=!")
	if at < 0 {
		return Assert{}, errors.New("no comparison; write NAME<VALUE with one of < <= > >= = !=")
	}
	name, rest := strings.TrimSpace(clause[:at]), clause[at:]
	value := strings.TrimLeft(rest, "<>=!")
	op := rest[:len(rest)-len(value)]
	if !slices.Contains([]string{"<", "<=", ">", ">=", "=", "==", "!="}, op) {
		return Assert{}, fmt.Errorf("unknown comparison %q; write one of < <= > >= = !=", op)
	}
	all := metrics()
	i := slices.IndexFunc(all, func(m metric) bool { return m.name == name })
	if i < 0 {
		return Assert{}, fmt.Errorf("unknown name %q; known are %s", name, strings.Join(MetricNames(), " "))
	}
	want, err := all[i].unit.parse(strings.TrimSpace(value))
	return Assert{Clause: clause, metric: all[i], op: op, want: want}, err
}

func (u unit) parse(s string) (float64, error) {
	if u == millis || u == micros {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration; write 900ms, 1.5s or 2.5us", s)
		}
		if u == micros {
			return float64(d) / 1e3, nil
		}
		return float64(d) / 1e6, nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return n, nil
}

func (u unit) format(v float64) string {
	switch u {
	case millis:
		return strconv.FormatFloat(v, 'f', -1, 64) + "ms"
	case micros:
		return strconv.FormatFloat(v, 'f', 2, 64) + "us"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Check holds the report against asserts, keeps the verdicts in it, sums the run up in the light of them, and reports
// whether all are met. What was not measured is not met.
func (r *Report) Check(asserts []Assert) bool {
	met := true
	for _, a := range asserts {
		got, known := a.metric.get(r)
		v := Verdict{Clause: a.Clause, Got: "not measured"}
		if known {
			v.Got, v.OK = a.metric.unit.format(got), compare(got, a.op, a.want)
		}
		met = met && v.OK
		r.Asserts = append(r.Asserts, v)
	}
	r.Summary = summarise(r)
	return met
}

func compare(got float64, op string, want float64) bool {
	switch op {
	case "<":
		return got < want
	case "<=":
		return got <= want
	case ">":
		return got > want
	case ">=":
		return got >= want
	case "!=":
		return got != want
	}
	return got == want
}
