package page

import (
	"fmt"
	"slices"
	"strings"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
)

// tile is one of the big numbers.
type tile struct {
	Name, Value, Note string
	State             string // good, bad, or nothing where there is no right or wrong
}

// tiles returns the numbers that answer what a reader asks first.
func tiles(r *report.Report) []tile {
	list := []tile{connected(r), lost(r), promptness(r), rate(r)}
	if s := r.Server; s != nil {
		list = append(list, tile{
			"CPU per message", digits(s.CPU) + " µs",
			fmt.Sprintf("server %.2f cores, swarm %.2f of %d", s.Cores, r.Swarm.Cores, r.Environment.CPUs), asserted(r, "server_cpu"),
		})
		list = append(list, perConnection(r))
		return list
	}
	return append(list, tile{"Swarm's CPU per message", digits(r.Swarm.CPU) + " µs", fmt.Sprintf("%.2f cores of %d; the server was not sampled",
		r.Swarm.Cores, r.Environment.CPUs), asserted(r, "swarm_cpu")})
}

func connected(r *report.Report) tile {
	c := &r.Connections
	t := tile{"Connected", report.Comma(c.Connected), "of " + report.Comma(r.Plan.Planned) + " planned", "good"}
	switch {
	case c.AfterRamp < r.Plan.Planned || c.Disconnects > 0 || c.Connected == 0:
		t.State = "bad"
		t.Note += fmt.Sprintf("; %s after the ramp, %s broken off", report.Comma(c.AfterRamp), report.Comma(c.Disconnects))
	case r.Plan.Churn > 0 && c.Connected < r.Plan.Planned:
		t.Note += ", the others away as asked for"
	case r.Plan.Planned < r.Plan.Requested:
		t.Note += ", " + report.Comma(r.Plan.Requested) + " asked for"
	}
	return t
}

func lost(r *report.Report) tile {
	m := &r.Messages
	t := tile{"Messages lost", report.Comma(m.Lost), "of " + report.Comma(m.Received+m.Lost) + " sent to them", "good"}
	if m.Received == 0 || m.Untracked == m.Received {
		return tile{"Messages lost", "unknown", "no message has a sequence number", ""}
	}
	switch {
	case m.Lost+m.Duplicates+m.Reordered > 0:
		t.State = "bad"
	case r.Connections.Disconnects > 0:
		t.State, t.Note = "", t.Note+"; what was sent to nobody is not known"
	}
	for _, n := range []struct {
		n    int64
		what string
	}{{m.Conflated, "skipped"}, {m.Duplicates, "doubled"}, {m.Reordered, "out of order"}, {m.Missed, "missed while away"}} {
		if n.n > 0 {
			t.Note += fmt.Sprintf("; %s %s", report.Comma(n.n), n.what)
		}
	}
	return t
}

func promptness(r *report.Report) tile {
	if r.Latency.Count == 0 {
		return tile{"Latency p99", "unknown", "no message with a time came while holding", ""}
	}
	return tile{
		"Latency p99", report.Duration(r.Latency.P99),
		fmt.Sprintf("p50 %s, max %s", report.Duration(r.Latency.P50), report.Duration(r.Latency.Max)), asserted(r, "p50", "p90", "p99", "p999", "max"),
	}
}

func rate(r *report.Report) tile {
	return tile{"Messages a second", report.Comma(r.Messages.PerSecond), fmt.Sprintf("%s in all, %s", report.Comma(r.Messages.Received),
		bytesOf(float64(r.Messages.Bytes))), asserted(r, "rate", "messages")}
}

// perConnection shows the report's one answer with its interval, or says that it has none. The kernel's number is made in the same way.
func perConnection(r *report.Report) tile {
	price, _ := r.MemoryPrice()
	t := tile{Name: "Memory per connection", Value: bytesOf(price.Bytes), State: asserted(r, "conn_bytes", "kernel_bytes")}
	if !price.Slope {
		t.Note = fmt.Sprintf("in the server, growth / connections: %s; + %s in the kernel", price.Note, bytesOf(r.Kernel.PerConn))
		return t
	}
	t.Note = fmt.Sprintf("in the server, slope of the ramp, 95 %%: %s to %s", bytesOf(price.Low), bytesOf(price.High))
	if kernel := r.Cost.Line(cost.Objects); kernel.Grows() {
		t.Note += fmt.Sprintf("; + %s in the kernel", bytesOf(kernel.BytesPerConn))
		if r.Cost.Ends > 1 {
			t.Note += " for both ends"
		}
	}
	return t
}

// asserted returns what became of the assertions about these metrics: nothing if there are none.
func asserted(r *report.Report, names ...string) (state string) {
	for _, v := range r.Asserts {
		end := strings.IndexAny(v.Clause, "<>=! ")
		if end < 0 || !slices.Contains(names, v.Clause[:end]) {
			continue
		}
		if !v.OK {
			return "bad"
		}
		state = "good"
	}
	return state
}
