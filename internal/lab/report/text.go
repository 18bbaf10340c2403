package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tickgate/internal/lab"
)

// WriteText writes the summary for a terminal: the verdict, a table, and what a reader must know.
func (r *Report) WriteText(w io.Writer) error {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"metric", r.Variants[0].Name, "", "", "effect [95 % interval]", "p (Holm)", "verdict"})
	for _, f := range r.Result.Findings {
		t.AppendRow(table.Row{f.Metric, median(f, 0), median(f, 1), f.Variant, f.Interval(), probability(f.PHolm), verdict(f)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %s\n\n  question     %s\n  expectation  %s\n\n%s\n", r.Experiment, r.Result.Headline, oneLine(r.Question), oneLine(r.Expectation), t.Render())
	fmt.Fprintf(&b, "%s. The two columns of numbers are medians of runs.\n", method(r))
	for _, warning := range r.Result.Warnings {
		fmt.Fprintln(&b, "warning:", warning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// method says in a sentence what the numbers stand on.
func method(r *Report) string {
	return fmt.Sprintf("%d blocks (%s, seed %d), %d runs; effects are paired within blocks, p is exact (signed rank) and corrected for %d tests (Holm)",
		r.Result.Blocks, r.Design.Order, r.Design.Seed, len(r.Runs), len(r.Result.Findings))
}

func median(f lab.Finding, side int) string {
	if f.Median == nil {
		return "–"
	}
	return strings.TrimSpace(lab.Brief(f.Median[side]) + " " + f.Unit)
}

// verdict is the finding's verdict without the numbers that stand beside it.
func verdict(f lab.Finding) string {
	text := string(f.Verdict)
	if f.Better != "" {
		text += ", " + f.Better
	}
	if f.Needed > 0 {
		text += fmt.Sprintf(": needs about %d repeats", f.Needed)
	}
	return text
}

func probability(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
