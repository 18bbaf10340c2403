package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"tickgate/internal/load"
)

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := &table{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.connections(r)
	t.messages(r)
	t.latencies(r)
	t.away(r.Away)
	t.prices(r)
	t.cost(r.Cost)
	t.split(r)
	t.blame(r.Blame)
	t.asserts(r)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// table writes rows of a name and a text. Errors are the tabwriter's to remember.
type table struct{ w *tabwriter.Writer }

func (t *table) row(name, format string, args ...any) {
	fmt.Fprintf(t.w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

func (t *table) head(name string) { fmt.Fprintf(t.w, "\n%s\n", strings.ToUpper(name)) }

func (t *table) connections(r *Report) {
	c := &r.Connections
	t.head("connections")
	t.row("connected", "%s of %s%s", Comma(c.Connected), Comma(r.Plan.Planned), byTransport(r))
	t.row("ramp", "%.1f s, %s a second", r.Phases.Ramp, Comma(c.PerSecond))
	t.quantiles("connect", c.Connect)
	t.quantiles("handshake", c.Handshake)
	t.row("hold", "%.1f s, %s", r.Phases.Hold, r.Phases.Stopped)
	t.some("disconnects", c.Disconnects)
	t.some("left on purpose", c.Left)
	t.some("told when to return", c.Hinted)
	t.some("resumed", c.Resumed)
	t.some("gave up", int64(c.GaveUp))
	for _, example := range c.Examples {
		kind, text, _ := strings.Cut(example, ": ")
		t.row("  "+kind, "%s, first: %s", Comma(c.Failures[kind]), text)
	}
}

func byTransport(r *Report) string {
	parts := make([]string, 0, len(r.Transports))
	for _, t := range r.Transports {
		parts = append(parts, t.Name+" "+Comma(t.Connected))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (t *table) messages(r *Report) {
	m := &r.Messages
	t.head("messages")
	t.row("received", "%s (%s), %s a second while holding", Comma(m.Received), humanize.IBytes(uint64(m.Bytes)), Comma(m.PerSecond))
	if m.Received > 0 && m.Untracked == m.Received {
		t.row("loss", "unknown: no message has a sequence number, see --seq-field")
	} else {
		t.judged("lost", m.Lost, m.Ramp.Lost)
		t.judged("conflated", m.Conflated, m.Ramp.Conflated)
		t.judged("duplicates", m.Duplicates, m.Ramp.Duplicates)
		t.judged("reordered", m.Reordered, m.Ramp.Reordered)
	}
	t.some("missed while away", m.Missed)
	t.some("gaps told", m.Gaps)
	t.some("not asked for", m.Strays)
	t.some("ids that went back", m.Backward)
	t.some("clients behind at the end", int64(r.Ticks.Behind))
	t.some("without a number", m.Untracked)
	t.some("without a time", m.Untimed)
	t.some("from the future", m.Skewed)
}

func (t *table) latencies(r *Report) {
	t.head("latency from the intended time")
	t.quantiles("all", r.Latency)
	for _, tr := range r.Transports {
		if len(r.Transports) > 1 {
			t.quantiles("  "+tr.Name, tr.Latency)
		}
	}
	if r.Ticks.Count > 0 {
		t.row("ticks", "%s%s, each to %s clients", Comma(r.Ticks.Count), ofTopics(r), Comma(r.Ticks.Deliveries))
	}
}

// ofTopics says whose ticks these are.
func ofTopics(r *Report) string {
	switch n := r.Plan.Topics; {
	case n <= 1:
		return ""
	case n > load.ShownTopics:
		return fmt.Sprintf(" of a part of %s topics", Comma(n))
	default:
		return fmt.Sprintf(" of %s topics", Comma(n))
	}
}

func (t *table) prices(r *Report) {
	t.head("prices")
	if s := r.Server; s != nil {
		price, _ := r.MemoryPrice()
		t.row("server memory", "%.0f bytes per connection, growth / connections (%s %s → %s)%s", s.PerConn, strings.ToUpper(s.Measure),
			humanize.IBytes(uint64(s.pick(s.Before, s.RSSBefore))), humanize.IBytes(uint64(s.pick(s.After, s.RSSAfter))), price.remark())
		t.row("server CPU", "%.2f µs per message (user %.2f, kernel %.2f), %.2f cores; %.1f µs per connect",
			s.CPU, s.User, s.System, s.Cores, s.RampCPU)
	}
	if g := r.Gateway; g != nil {
		t.row("gateway heap", "%.0f bytes per connection (%s → %s), %.0f collections, %.2f s of GC", g.PerConn,
			humanize.IBytes(uint64(g.HeapBefore)), humanize.IBytes(uint64(g.HeapAfter)), g.GCCycles, g.GCCPU)
	}
	k := &r.Kernel
	t.row("kernel memory", "%.0f bytes per connection, both ends if both are here (slab %s → %s, queues %s → %s)", k.PerConn,
		humanize.IBytes(uint64(k.SlabBefore)), humanize.IBytes(uint64(k.SlabAfter)),
		humanize.IBytes(uint64(k.QueueBefore)), humanize.IBytes(uint64(k.QueueAfter)))
	s := &r.Swarm
	t.row("swarm CPU", "%.2f µs per message (user %.2f, kernel %.2f), %.2f cores, loops %.0f %% busy, %s in %d processes",
		s.CPU, s.User, s.System, s.Cores, 100*s.LoopBusy, humanize.IBytes(uint64(s.RSS)), s.Processes)
	t.reconnects(r)
}

// reconnects says how much of the price of a message is that of clients that came back meanwhile.
func (t *table) reconnects(r *Report) {
	n := r.Swarm.Reconnects
	switch {
	case n == 0:
	case r.Server == nil:
		t.row("reconnects", "%s while holding; they are in the CPU per message", Comma(n))
	default:
		t.row("reconnects", "%s while holding; they are in the CPU per message: %.2f µs of the server's, at its price per connect",
			Comma(n), r.Server.Reconnects)
	}
}

// pick returns the value of the measure the server's growth was computed from.
func (s *Server) pick(pss, rss int64) int64 {
	if s.Measure == "pss" {
		return pss
	}
	return rss
}

func (t *table) split(r *Report) {
	s := &r.Split
	t.head("whose time")
	t.quantiles("server, to the first", s.Before)
	t.quantiles("fan-out, first to last", s.FanOut)
	t.quantiles("swarm, ready to read", s.Swarm)
	t.row("processors", "server %.0f %% + %.0f %% in the kernel, swarm %.0f %% + %.0f %%, softirq %.0f %%, idle %.0f %%, stolen %.0f %%",
		100*s.ServerUser, 100*s.ServerKernel, 100*s.SwarmUser, 100*s.SwarmKernel, 100*s.SoftIRQ, 100*s.Idle, 100*s.Steal)
	if r.Server != nil {
		t.row("waited for a processor", "server %.1f s, swarm %.1f s", r.Server.Waiting, r.Swarm.Waiting)
	}
	t.verdict(r)
	for _, note := range r.Notes {
		if !slices.Contains(r.told, note) {
			t.row("note", "%s", note)
		}
	}
}

// verdict says the same as the page does.
func (t *table) verdict(r *Report) {
	if r.Summary.Limit == "" {
		t.row("verdict", "%s", r.Split.Verdict)
		return
	}
	t.row("verdict", "%s", r.Summary.Limit)
	if r.Summary.Because != r.Split.Verdict {
		t.row("", "%s", r.Summary.Because)
	}
	t.row("swarm's part", "%s", r.Split.Verdict)
}

func (t *table) asserts(r *Report) {
	if len(r.Asserts) == 0 {
		return
	}
	t.head("asserts")
	for _, v := range r.Asserts {
		state := "FAILED"
		if v.OK {
			state = "ok"
		}
		t.row(v.Clause, "%s (%s)", state, v.Got)
	}
}

// judged writes a count, and which part of it belongs to the ramp.
func (t *table) judged(name string, n, ramp int64) {
	if ramp == 0 {
		t.row(name, "%s", Comma(n))
		return
	}
	t.row(name, "%s, of which %s while connecting", Comma(n), Comma(ramp))
}

// some writes a count that is worth a row only if there is any.
func (t *table) some(name string, n int64) {
	if n != 0 {
		t.row(name, "%s", Comma(n))
	}
}

func (t *table) quantiles(name string, q Quantiles) {
	if q.Count == 0 {
		return
	}
	t.row(name, "p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", Duration(q.P50), Duration(q.P90), Duration(q.P99),
		Duration(q.P999), Duration(q.Max))
}

// Duration writes milliseconds with three significant digits.
func Duration(ms float64) string {
	switch {
	case ms >= 10000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 1:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f µs", ms*1000)
}

// Comma writes a whole number in groups of three digits.
func Comma[N int | int64 | float64](n N) string { return humanize.Comma(int64(n)) }
