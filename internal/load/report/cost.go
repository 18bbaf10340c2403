package report

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"tickgate/internal/load/cost"
)

// maxNamed is how many of the kernel's caches the table names; the JSON document has all of them.
const maxNamed = 6

// cost writes what a connection costs in memory as the slope over the ramp.
func (t *table) cost(c *cost.Cost) {
	if c == nil {
		return
	}
	t.head("memory of a connection, as the slope over the ramp")
	for _, name := range []string{cost.PSS, cost.Live, cost.Stacks, cost.Runtime} {
		t.line(name, c.Line(name), 1)
	}
	ends := "this end"
	if c.Ends > 1 {
		ends = "each end"
	}
	t.line("kernel, "+ends, c.Line(cost.Objects), c.Ends)
	if parts := parts(c); parts != "" {
		t.row("  of which", "%s", parts)
	}
	t.line("queues, "+ends, c.Line(cost.Queues), c.Ends)
}

// line writes a line's slope, divided by the ends that share it.
func (t *table) line(name string, l *cost.Line, ends int) {
	switch {
	case l == nil:
		return
	case !l.Known:
		t.row(name, "%s (%d samples)", l.Note, l.Points)
		return
	}
	n, note := float64(max(1, ends)), ""
	if l.Note != "" {
		note = "; " + l.Note
	}
	fixed := ""
	if l.Side == cost.User {
		fixed = fmt.Sprintf(" and %s fixed", humanize.IBytes(uint64(max(0, l.Fixed))))
	}
	t.row(name, "%s bytes [%s, %s]%s (%d samples%s)", Comma(l.BytesPerConn/n), Comma(l.Low/n), Comma(l.High/n), fixed, l.Points, note)
}

// parts names the caches that a connection takes most of, for one end.
func parts(c *cost.Cost) string {
	var named []string
	for _, l := range c.Lines {
		if name, ok := strings.CutPrefix(l.Name, cost.SlabPrefix); ok && l.Known && l.Low > 0 && !l.Reclaimable && len(named) < maxNamed {
			named = append(named, fmt.Sprintf("%s %s", name, Comma(l.BytesPerConn/float64(max(1, c.Ends)))))
		}
	}
	return strings.Join(named, ", ")
}
