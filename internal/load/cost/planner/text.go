package planner

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
)

// Plan is what is printed: predictions for several numbers of connections, and what became of one that was measured.
type Plan struct {
	From        string       `json:"from"` // the run, in words
	Predictions []Prediction `json:"predictions,omitempty"`
	Against     []Comparison `json:"against,omitempty"`
	Notes       []string     `json:"notes,omitempty"`
}

// From says in words what the predictions are made from.
func (p *Planner) From() string {
	return fmt.Sprintf("%s connections, server processes: %d, %.2f messages a second to each, ramp of %.1f s",
		humanize.Comma(int64(p.run.Connections.Connected)), len(p.run.Cost.Processes), p.rate(), p.run.Phases.Ramp)
}

// WriteJSON writes the plan as one document, indented.
func (p *Plan) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// WriteText writes the plan for people.
func (p *Plan) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "from %s\n", p.From)
	for i := range p.Predictions {
		p.Predictions[i].write(t)
	}
	if len(p.Against) > 0 {
		fmt.Fprint(t, "\nPREDICTED AGAINST MEASURED\n\tpredicted\t95 %\tmeasured\terror\t\n")
	}
	for _, c := range p.Against {
		verdict := "inside"
		if !c.Inside {
			verdict = "OUTSIDE"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%+.1f %%\t%s\n", c.Name, amount(c.Unit, c.Predicted.Value), between(c.Unit, c.Predicted),
			amount(c.Unit, c.Measured), c.Error, verdict)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(t, "\nnote: %s\n", note)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

func (d *Prediction) write(w io.Writer) {
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	ranged := func(name, unit string, r Range) { row(name, "%s  %s", amount(unit, r.Value), between(unit, r)) }
	fmt.Fprintf(w, "\n%s CONNECTIONS\n", humanize.Comma(int64(d.Conns)))
	row("server", "%d workers, %s descriptors", d.Workers, humanize.Comma(int64(d.Files)))
	ranged("user space", UnitBytes, d.User)
	ranged("kernel, each side", UnitBytes, d.End)
	ranged("server CPU", UnitCores, d.Cores)
	ranged("a pass takes at least", UnitMillis, d.Pass)
	if d.Swarm.Value > 0 {
		ranged(fmt.Sprintf("swarm, %d processes", d.Clients), UnitBytes, d.Swarm)
	}
	ranged("swarm CPU", UnitCores, d.Client)
	for _, wall := range d.Walls {
		name, fits := "first wall, server alone", "fits"
		if wall.For == "both" {
			name = "first wall, swarm here too"
		}
		if !wall.Fits {
			fits = "does not fit"
		}
		row(name, "%s, at %s connections: %s", wall.Name, humanize.Comma(int64(wall.Holds)), fits)
	}
}

func between(unit string, r Range) string {
	return strings.Join([]string{"[", amount(unit, r.Low), ", ", amount(unit, r.High), "]"}, "")
}

func amount(unit string, v float64) string {
	switch unit {
	case UnitBytes:
		return humanize.IBytes(uint64(max(0, v)))
	case UnitMillis:
		return fmt.Sprintf("%.0f ms", v)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}
