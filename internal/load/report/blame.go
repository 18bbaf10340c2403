package report

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tickgate/internal/load/blame"
)

// Suspects is the material of the report's Blame.
type Suspects struct {
	Gateway   *blame.Book   // nil if the gateway's records could not be had
	Objective time.Duration // 0 finds one
	Local     bool          // gateway and swarm share one clock
}

// judge blames the parts of the gateway, the kernel or the swarm for the slow ticks among rows, which are the last of all.
func (s *Suspects) judge(rows []TickRow, all int) *blame.Report {
	run := blame.Run{Book: s.Gateway, Local: s.Local, Objective: float64(s.Objective) / float64(time.Millisecond)}
	for i := range rows {
		if row := &rows[i]; row.intended > 0 {
			run.Ticks = append(run.Ticks, blame.Tick{Seq: row.Seq, Intended: row.intended, Last: row.last, Lag: row.lag})
		}
	}
	r := blame.Judge(&run)
	if r != nil && len(rows) < all {
		r.Notes = append(r.Notes, fmt.Sprintf("only the last %s of %s ticks are judged", Comma(len(rows)), Comma(all)))
	}
	return r
}

// shownVerdicts is how many slow ticks the table has.
const shownVerdicts = 8

// blame writes the slow ticks and their causes.
func (t *table) blame(b *blame.Report) {
	if b == nil {
		return
	}
	t.head("slow ticks")
	t.row("slow", "%s of %s took longer than %s%s", Comma(b.Slow), Comma(b.Judged), Duration(b.Objective), chosen(b))
	for _, cause := range slices.SortedFunc(maps.Keys(b.Causes), func(x, y blame.Cause) int { return b.Causes[y] - b.Causes[x] }) {
		t.row("  "+cause.String(), "%s", Comma(b.Causes[cause]))
	}
	for _, v := range b.Ticks[:min(len(b.Ticks), shownVerdicts)] {
		t.row(fmt.Sprintf("  tick %d", v.Seq), "%s late: %s (%s more than usual)%s", Duration(v.Late), v.Cause,
			Duration(v.Excess), unexplained(&v))
	}
	for _, note := range b.Notes {
		t.row("  note", "%s", note)
	}
}

func chosen(b *blame.Report) string {
	if b.Given {
		return ""
	}
	return ", half as much again as the median and 50 ms more at least"
}

// unexplained says how much of a tick's delay nobody has an account of, if it is worth a word.
func unexplained(v *blame.Verdict) string {
	const word = 10 // milliseconds
	if ms := v.Parts[blame.Unexplained]; ms >= word && v.Cause != blame.Unexplained {
		return fmt.Sprintf(", %s unexplained", Duration(ms))
	}
	return ""
}
