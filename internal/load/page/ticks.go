package page

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tickgate/internal/load/blame"
	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// spread is how each tick reached everybody: from its intended time to the first client, and on to the last one.
func spread(r *report.Report) *chart {
	rows := r.TickRows
	if len(rows) < 2 {
		return nil
	}
	about := "From a tick's intended time to its first delivery, and on to its last."
	if r.Ticks.Count > len(rows) {
		about += fmt.Sprintf(" The last %s of %s ticks.", report.Comma(len(rows)), report.Comma(r.Ticks.Count))
	}
	c := newChart("ticks", "Each tick, from first to last client", about, half)
	low, high, most := rows[0].At, rows[0].At, 0.0
	for _, t := range rows {
		low, high, most = min(low, t.At), max(high, t.At), max(most, t.First+t.Spread)
	}
	room := (high - low) / float64(2*len(rows))
	x := plot.Linear(low-room, high+room, float64(c.Left), float64(c.Right))
	for _, v := range plot.Inside(low, high, 5) {
		c.X = append(c.X, tick{x.At(v), clock(v)})
	}
	c.XLabel = "time since the first connect"
	p := c.panel("delay after the intended time", halfPanel)
	y := p.linear(0, max(most, 0.001), millis)
	width := max((c.Right-c.Left)/plot.Px(len(rows))*0.7, 1)
	var first, last plot.Path
	for _, t := range rows {
		left := x.At(t.At) - width/2
		from, to := y.At(max(t.First, 0)), y.At(t.First+t.Spread)
		first.Rect(left, from, width, p.Bottom-from)
		last.Rect(left, to, width, from-to)
		c.hover = append(c.hover, hover{float64(x.At(t.At)), fmt.Sprintf("tick %d at %s\nfirst client after %s\nlast client %s later\n%s clients",
			t.Seq, clock(t.At), report.Duration(t.First), report.Duration(t.Spread), report.Comma(t.Count))})
	}
	p.shape("b1", &first)
	p.shape("b0", &last)
	c.Keys = []key{{"b1", "to the first client"}, {"b0", "to the last client"}}
	return c
}

// slowTicks is the table of slow ticks.
type slowTicks struct {
	*blame.Report
	Sum    []key // each cause with its number of ticks
	Rows   []slowRow
	Hidden int // rows that are only in the JSON document
}

type slowRow struct {
	blame.Verdict
	At    string
	Parts []part
}

// part is a piece of a tick's way, as a share of it.
type part struct {
	Class, Title string
	X, Width     plot.Px
}

const (
	// slowRows is how many slow ticks are listed; the rest is in the document.
	slowRows = 25
	// partsWidth is the width of the bar of parts.
	partsWidth = 240.0
)

// slow returns the table, or nil if nobody was asked who is to blame.
func slow(r *report.Report) *slowTicks {
	if r.Blame == nil {
		return nil
	}
	s := &slowTicks{Report: r.Blame, Hidden: max(len(r.Blame.Ticks)-slowRows, 0)}
	for _, cause := range blame.Causes {
		if n := r.Blame.Causes[cause]; n > 0 {
			s.Sum = append(s.Sum, key{causeClass(cause), fmt.Sprintf("%s: %s", cause, plural(n, "tick", "ticks"))})
		}
	}
	rows := slices.SortedFunc(slices.Values(r.Blame.Ticks), func(a, b blame.Verdict) int { return cmp.Compare(b.Late, a.Late) })
	longest := 0.0
	for _, v := range rows {
		longest = max(longest, v.Late)
	}
	for _, v := range rows[:min(len(rows), slowRows)] {
		s.Rows = append(s.Rows, slowRow{v, clock(v.Intended.Sub(r.Phases.Zero).Round(time.Millisecond).Seconds()), parts(v, longest)})
	}
	return s
}

// parts cuts the bar of a tick.
func parts(v blame.Verdict, longest float64) (list []part) {
	x := 0.0
	for _, cause := range blame.Causes {
		if ms := v.Parts[cause]; ms > 0 {
			width := ms / longest * partsWidth
			list = append(list, part{causeClass(cause), fmt.Sprintf("%s: %s", cause, report.Duration(ms)), plot.Px(x), plot.Px(width)})
			x += width
		}
	}
	return list
}
