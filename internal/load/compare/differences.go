package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tickgate/internal/load/report"
)

// aspect is something about a run that should be the same in both. breaks says why the numbers cannot be compared if it is not; empty if they can.
type aspect struct {
	name   string
	of     func(*report.Report) string
	breaks string
}

// aspects are compared in this order.
var aspects = []aspect{
	{"connections planned", func(r *report.Report) string { return report.Comma(r.Plan.Planned) }, "costs and latencies grow with the connections"},
	{"transports", transports, "the transports' costs differ"},
	{"topic's promise", func(r *report.Report) string { return r.Plan.Policy }, "what counts as lost differs"},
	{"ramp's rate", func(r *report.Report) string { return digits(r.Plan.Rate) + "/s" }, ""},
	{"slow clients", func(r *report.Report) string { return report.Comma(r.Plan.Slow) }, "clients that do not read cost something else"},
	{"churn", func(r *report.Report) string { return digits(r.Plan.Churn) + "/s" }, "leaving and coming back costs something else"},
	{"seconds held", func(r *report.Report) string { return fmt.Sprintf("%.0f", r.Phases.Hold) }, ""},
	{"client processes", func(r *report.Report) string { return strconv.Itoa(r.Plan.Processes) }, ""},
	{"host", func(r *report.Report) string { return r.Environment.Host }, "machines differ more than programs do"},
	{"processors", func(r *report.Report) string {
		return fmt.Sprintf("%d × %s, %s", r.Environment.CPUs, r.Environment.CPU, r.Environment.Arch)
	}, "the processors are others"},
	{"memory", func(r *report.Report) string { return strconv.FormatInt(r.Environment.Memory, 10) }, ""},
	{"kernel", func(r *report.Report) string { return r.Environment.Kernel }, "most of the cost is the kernel's"},
	{"kernel's build", func(r *report.Report) string { return r.Environment.Build }, ""},
	{"huge pages", func(r *report.Report) string { return r.Environment.THP }, ""},
	{"descriptors", func(r *report.Report) string { return strconv.FormatInt(r.Environment.Nofile, 10) }, ""},
	{"swarm", func(r *report.Report) string { return r.Environment.Version + ", " + r.Environment.Go }, ""},
	{"server's processes", processes, ""},
}

func transports(r *report.Report) string {
	parts := make([]string, 0, len(r.Transports))
	for _, t := range r.Transports {
		parts = append(parts, fmt.Sprintf("%s %.0f %%", t.Name, 100*float64(t.Connected)/float64(max(r.Connections.Connected, 1))))
	}
	return strings.Join(parts, ", ")
}

func processes(r *report.Report) string {
	n := 0
	for _, p := range r.Environment.Programs {
		n += len(p.PIDs)
	}
	return strconv.Itoa(n)
}

func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// differences lists what was not the same, the arguments of the server and the kernel's settings among it.
func differences(a, b *report.Report) (list []Difference) {
	for _, s := range aspects {
		if was, is := s.of(a), s.of(b); was != is {
			list = append(list, Difference{s.name, was, is})
		}
	}
	before, after := arguments(a), arguments(b)
	if was, is := without(before, after), without(after, before); was+is != "" {
		list = append(list, Difference{"server's command has", was, is})
	}
	if was, is := revisions(a), revisions(b); was != is {
		list = append(list, Difference{"server's revision", was, is})
	}
	return append(list, sysctls(a, b)...)
}

func arguments(r *report.Report) (all []string) {
	for _, p := range r.Environment.Programs {
		all = append(all, p.Command...)
	}
	return all
}

func revisions(r *report.Report) string {
	var all []string
	for _, p := range r.Environment.Programs {
		all = append(all, strings.TrimSpace(p.Revision+" "+p.Go))
	}
	return strings.Join(all, ", ")
}

// without returns the arguments that the others do not have.
func without(args, others []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return slices.Contains(others, arg) }), " ")
}

// sysctls compares the settings that the reports name. One that only one of them names has the kernel's default in the other.
func sysctls(a, b *report.Report) (list []Difference) {
	values := func(r *report.Report, name string) (string, bool) {
		for _, s := range r.Environment.Sysctls {
			if s.Name == name {
				return s.Value, true
			}
		}
		return "the kernel's default", r.Environment.Watched > 0 // an older report names none
	}
	var names []string
	for _, r := range []*report.Report{a, b} {
		for _, s := range r.Environment.Sysctls {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		was, known := values(a, name)
		is, too := values(b, name)
		if known && too && was != is {
			list = append(list, Difference{name, was, is})
		}
	}
	return list
}

// Shares of the processors that other programs may take, or steal, before a run's numbers are in doubt.
const disturbed = 0.1

// incomparable says why the numbers of the runs mean different things.
func incomparable(a, b *report.Report) (list []string) {
	for _, s := range aspects {
		if s.breaks != "" && s.of(a) != s.of(b) {
			list = append(list, fmt.Sprintf("not comparable: %s: A has %s, B has %s; %s", s.name, s.of(a), s.of(b), s.breaks))
		}
	}
	return list
}

// doubts says what disturbed either run.
func doubts(a, b *report.Report) (list []string) {
	for i, r := range []*report.Report{a, b} {
		name := string(rune('A' + i))
		if r.Connections.Disconnects > 0 || r.Connections.AfterRamp < r.Plan.Planned {
			list = append(list, fmt.Sprintf("%s did not go as planned: %s", name, r.Summary.Headline))
		}
		if r.Split.Bottleneck {
			list = append(list, fmt.Sprintf("in %s %s", name, r.Split.Verdict))
		}
		if others := r.Split.Others() + r.Split.Steal; r.Server != nil && others > disturbed {
			list = append(list, fmt.Sprintf("in %s other programs used %.0f %% of the processors", name, 100*others))
		}
		if used := used(r); used != "" {
			list = append(list, name+"'s gateway "+used)
		}
		if n := len(held(r, func(report.Point, float64) (float64, bool) { return 0, true })); n < leastSeconds {
			list = append(list, fmt.Sprintf("%s has %d whole seconds of holding; an interval takes %d: hold for 20 s or more, 60 s is better", name, n, leastSeconds))
		}
	}
	return list
}

// probes is how many connections a gateway may have had before the run's, for probes of the swarm and of whoever has started it.
const probes = 10

// used says why a run's gateway was no fresh one; empty if it was, or if nobody knows.
func used(r *report.Report) string {
	if r.Gateway == nil || r.Gateway.Earlier <= probes {
		return ""
	}
	return fmt.Sprintf("had held %s connections before the run; memory, collector and caches are not those of a fresh one: start it anew for each run",
		report.Comma(r.Gateway.Earlier))
}
