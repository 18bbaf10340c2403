package doctor

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/text"

	"tickgate/internal/limits"
)

// The widths of the terminal form, in columns.
const (
	lineWidth  = 100
	stateWidth = 7
	labelWidth = 8
)

// WriteText writes the report for a terminal: what stands in the way with all that is known about it, what is well in a
// line each, and at the end where this machine stops, with the command that moves each wall that is in the way.
func (r *Report) WriteText(w io.Writer) error {
	p := &printer{}
	p.head(r)
	name := 0
	for _, f := range r.Findings {
		name = max(name, len(f.Name))
	}
	for _, f := range r.Findings {
		if f.State < OK {
			p.problem(f)
		} else {
			p.well(f, name)
		}
	}
	p.line("")
	p.walls(r)
	_, err := io.WriteString(w, p.String())
	return err
}

// printer collects lines.
type printer struct{ strings.Builder }

func (p *printer) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// labelled writes a text that may take several lines beside a label.
func (p *printer) labelled(indent int, label string, width int, s string) {
	if s == "" {
		return
	}
	for part := range strings.SplitSeq(text.WrapSoft(s, lineWidth-indent-width), "\n") {
		p.line("%*s%-*s%s", indent, "", width, label, strings.TrimSpace(part))
		label = ""
	}
}

func (p *printer) head(r *Report) {
	whose := map[limits.Role]string{
		limits.Gateway: "the gateway's ends", limits.Swarm: "the swarm's ends", limits.Both: "both ends on this machine",
	}[r.Question.Role]
	rate := ""
	if r.Question.Rate > 0 {
		rate = fmt.Sprintf(", %g message/s to each", r.Question.Rate)
	}
	p.line("%s connections, %s%s", comma(r.Question.Conns), whose, rate)
	p.line("Linux %s, %.3g CPUs, %s of memory to take", r.Kernel, r.CPUs, bytes(r.Room))
	p.line("")
}

func (p *printer) problem(f Finding) {
	need := f.Need.Text
	if f.Need.Unit == f.Now.Unit {
		need = strings.TrimSuffix(need, " "+f.Need.Unit)
	}
	p.line("%-*s%s: %s, needs %s", stateWidth, mark(f.State), f.Name, f.Now.Text, need)
	for _, row := range []struct{ label, text string }{
		{"why", f.Why}, {"first", f.Breaks}, {"change", f.Change}, {"undo", f.Undo}, {"myth", f.Myth},
	} {
		p.labelled(stateWidth, row.label, labelWidth, row.text)
	}
	p.line("")
}

// mark is how a state begins its line; what needs an eye is in capitals.
func mark(s State) string {
	if s < Note {
		return strings.ToUpper(s.String())
	}
	return s.String()
}

func (p *printer) well(f Finding, width int) {
	holds := ""
	if f.Holds < math.MaxInt/2 {
		holds = "enough for " + comma(f.Holds)
	}
	p.line("%-*s%-*s  %-28s  %s", stateWidth, mark(f.State), width, f.Name, f.Now.Text, holds)
}

// walls writes the end: where this machine stops, in one process, in all, and in time.
func (p *printer) walls(r *Report) {
	const width = 13
	all := []Wall{r.Process, r.Machine, r.Pace}
	slices.SortStableFunc(all, func(a, b Wall) int { return cmp.Compare(a.Holds, b.Holds) })
	labels := [...]string{"First wall", "Then", "Then"}
	for i, w := range all { // one without a name comes last: it holds any number
		if w.Name != "" {
			p.labelled(0, labels[i], width, w.describe(r))
			p.move(r, w, width)
		}
	}
	p.labelled(0, "Answer", width, r.answer())
}

// move writes how a wall that is in the way is moved, and moved back.
func (p *printer) move(r *Report, w Wall, width int) {
	f, _ := r.Finding(w.Name)
	const indent = 2
	p.labelled(indent, "change", width-indent, f.Change)
	p.labelled(indent, "undo", width-indent, f.Undo)
}

// describe says what a wall stops, and where.
func (w Wall) describe(r *Report) string {
	switch w.Kind {
	case limits.Process:
		s := fmt.Sprintf("%s connections in one process (%s)", comma(w.Holds), w.Name)
		switch n := max(r.Fit.Workers, r.Fit.Clients); {
		case !r.Fits:
			s += "; several processes pass it, up to the next wall"
		case n > 1:
			s += fmt.Sprintf("; %d processes pass it", n)
		}
		return s
	case limits.Pace:
		return fmt.Sprintf("%s connections at %g message/s each (%s)", comma(w.Holds), r.Question.Rate, w.Name)
	default:
		return fmt.Sprintf("%s connections on this machine (%s)", comma(w.Holds), w.Name)
	}
}

func (r *Report) answer() string {
	n := comma(r.Question.Conns)
	if !r.Fits {
		stop := r.Machine
		if r.Pace.Holds < stop.Holds {
			stop = r.Pace
		}
		return fmt.Sprintf("no, %s connections do not fit: %s stops at %s", n, stop.Name, comma(stop.Holds))
	}
	var programs []string
	if r.Fit.Workers > 1 {
		programs = append(programs, fmt.Sprintf("%d gateway workers", r.Fit.Workers))
	}
	if r.Fit.Clients > 1 {
		programs = append(programs, fmt.Sprintf("%d swarm processes", r.Fit.Clients))
	}
	if len(programs) == 0 {
		return fmt.Sprintf("yes, %s connections fit", n)
	}
	return fmt.Sprintf("yes, %s connections fit, in %s", n, strings.Join(programs, " and "))
}

func comma(n int) string { return humanize.Comma(int64(n)) }
