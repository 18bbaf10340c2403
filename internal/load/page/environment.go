package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tickgate/internal/load/report"
)

// section is a list of facts under a heading.
type section struct {
	Name  string
	Facts []fact
}

// fact is a name with a text, or with command lines.
type fact struct {
	Name, Text string
	Commands   []string
}

// facts returns what one must know to make the run again, and to doubt it.
func facts(r *report.Report) []section {
	return []section{
		{"What limited it", limits(r)},
		{"What was done", plan(r)},
		{"Machine", machine(r)},
		{"Programs", programs(r)},
		{"Kernel settings", settings(r)},
	}
}

func limits(r *report.Report) []fact {
	s := &r.Split
	list := []fact{
		{Name: "Verdict", Text: strings.Trim(r.Summary.Limit+"; "+r.Summary.Because, "; ")},
		{Name: "The swarm's part", Text: s.Verdict},
		{Name: "Server, to the first", Text: spoken(s.Before)},
		{Name: "Fan-out, first to last", Text: spoken(s.FanOut)},
		{Name: "Swarm, ready to read", Text: spoken(s.Swarm)},
		{Name: "Processors", Text: fmt.Sprintf("server %s + %s in the kernel, swarm %s + %s, softirq %s, idle %s, stolen %s, others %s",
			percent(s.ServerUser), percent(s.ServerKernel), percent(s.SwarmUser), percent(s.SwarmKernel), percent(s.SoftIRQ), percent(s.Idle),
			percent(s.Steal), percent(s.Others()))},
	}
	if r.Server != nil {
		list = append(list, fact{Name: "Waited for a processor", Text: fmt.Sprintf("server %.1f s, swarm %.1f s, summed over threads",
			r.Server.Waiting, r.Swarm.Waiting)})
	}
	if g := r.Gateway; g != nil {
		list = append(list, fact{Name: "Collector", Text: fmt.Sprintf("%.0f cycles, %.2f s of processor time, heap %s to %s, %.0f goroutines",
			g.GCCycles, g.GCCPU, bytesOf(float64(g.HeapBefore)), bytesOf(float64(g.HeapAfter)), g.Goroutines)})
	}
	if n := r.Plan.Topics; n > 0 {
		list = append(list, fact{Name: "Topics", Text: fmt.Sprintf("%s, of which each client has %s", report.Comma(n), report.Comma(r.Plan.PerClient))})
	}
	if r.Plan.Limit != "" {
		list = append(list, fact{Name: "Connections", Text: r.Plan.Limit})
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Connections.Failures)) {
		list = append(list, fact{Name: words(kind), Text: report.Comma(r.Connections.Failures[kind]) + example(r, kind)})
	}
	return list
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// example returns the first failure of a kind.
func example(r *report.Report, kind string) string {
	for _, e := range r.Connections.Examples {
		if text, ok := strings.CutPrefix(e, kind+": "); ok {
			return ", first: " + text
		}
	}
	return ""
}

func spoken(q report.Quantiles) string {
	if q.Count == 0 {
		return "unknown"
	}
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, max %s", report.Duration(q.P50), report.Duration(q.P90), report.Duration(q.P99), report.Duration(q.Max))
}

func plan(r *report.Report) []fact {
	p, h := &r.Plan, &r.Phases
	connections := report.Comma(p.Planned)
	for _, t := range r.Transports {
		connections += fmt.Sprintf(", %s %s", t.Name, report.Comma(t.Connected))
	}
	list := []fact{
		{Name: "Targets", Text: strings.Join(p.Targets, " ")},
		{Name: "Connections", Text: connections + " in " + plural(p.Processes, "client process", "client processes")},
		{Name: "Phases", Text: fmt.Sprintf("ramp %s, hold %s (%s), settle %s", lasting(h.Ramp), lasting(h.Hold), h.Stopped, lasting(h.Settle))},
		{Name: "Started", Text: r.Started.UTC().Format("2006-01-02 15:04:05 UTC")},
		{Name: "Topic's promise", Text: p.Policy},
	}
	if p.Slow > 0 {
		list = append(list, fact{Name: "Slow clients", Text: report.Comma(p.Slow) + " never read"})
	}
	if a := r.Away; a != nil {
		list = append(list, fact{Name: "Away", Text: fmt.Sprintf("%s clients for %s; %s came back, %s with their last id", report.Comma(a.Clients), lasting(a.For),
			report.Comma(a.Returned), report.Comma(a.Resumed))},
			fact{Name: "Replayed to them", Text: fmt.Sprintf("%s messages; of all since: lost %s, doubled %s, out of order %s, gaps told %s; caught up after %s",
				report.Comma(a.Replayed), report.Comma(a.Lost), report.Comma(a.Duplicates), report.Comma(a.Reordered), report.Comma(a.Gaps), spoken(a.CaughtUp))},
			fact{Name: "The others, before", Text: spoken(a.Before)}, fact{Name: "while these were away", Text: spoken(a.Meanwhile)},
			fact{Name: "during the return", Text: spoken(a.Return)}, fact{Name: "after", Text: spoken(a.After)})
	}
	if p.Churn > 0 {
		list = append(list, fact{Name: "Churn", Text: digits(p.Churn) + " clients a second left and came back"})
	}
	return list
}

func machine(r *report.Report) []fact {
	e := &r.Environment
	return []fact{
		{Name: "Host", Text: e.Host},
		{Name: "Processors", Text: fmt.Sprintf("%d × %s, %s", e.CPUs, e.CPU, e.Arch)},
		{Name: "Memory", Text: bytesOf(float64(e.Memory))},
		{Name: "Kernel", Text: strings.TrimSpace(e.Kernel + " " + e.Build)},
		{Name: "Distribution", Text: e.Distribution},
		{Name: "Clock, huge pages", Text: e.Clock + ", " + e.THP},
		{Name: "Swarm's limits", Text: fmt.Sprintf("%s descriptors, ports %s, %s", report.Comma(e.Nofile), e.PortRange, e.Scheduler)},
	}
}

func programs(r *report.Report) []fact {
	e := &r.Environment
	list := []fact{{Name: "Swarm " + e.Version, Text: e.Go, Commands: []string{command(e.Command)}}}
	for _, p := range e.Programs {
		made := strings.Join(slices.DeleteFunc([]string{p.Module, p.Go, p.Revision}, func(s string) bool { return s == "" }), ", ")
		list = append(list, fact{Name: "Server", Text: plural(len(p.PIDs), "process", "processes") + because(made), Commands: []string{command(p.Command)}})
	}
	if len(e.Programs) == 0 {
		list = append(list, fact{Name: "Server", Text: "its processes are not known; see --pid"})
	}
	return list
}

func settings(r *report.Report) []fact {
	e := &r.Environment
	var changed, sized []fact
	for _, s := range e.Sysctls {
		if s.Sized {
			sized = append(sized, fact{Name: s.Name, Text: s.Value + " (the kernel sizes it by memory)"})
			continue
		}
		changed = append(changed, fact{Name: s.Name, Text: fmt.Sprintf("%s, the kernel's default is %s", s.Value, s.Default)})
	}
	if len(changed) == 0 {
		changed = []fact{{Name: "Changed", Text: "none"}}
	}
	return append(append(changed, sized...), fact{Name: "Others", Text: plural(e.Watched-len(e.Sysctls), "setting", "settings") +
		" that matter to many connections are as the kernel sets them"})
}
