package report

import (
	"fmt"
	"io"
	"strings"

	"tickgate/internal/lab"
	"tickgate/internal/lab/infer"
)

// WriteMarkdown writes a table of the medians of all runs, a line for each metric and a column for each variant, without any judgement.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: medians of %s\n\n|", r.Experiment, r.counted())
	for _, v := range r.Variants {
		fmt.Fprintf(&b, " | %s", v.Name)
	}
	fmt.Fprintf(&b, " |\n|---%s|\n", strings.Repeat("|---", len(r.Variants)))
	for i, m := range r.Metrics {
		fmt.Fprintf(&b, "| %s", m.Name)
		for v := range r.Variants {
			fmt.Fprintf(&b, " | %s", r.medianOf(i, v))
		}
		b.WriteString(" |\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counted says how many runs there are.
func (r *Report) counted() string {
	return fmt.Sprintf("%d runs each (%d blocks, seed %d)", len(r.Runs)/len(r.Variants), r.Result.Blocks, r.Design.Seed)
}

// medianOf returns the median of a metric over the runs of a variant, with its unit.
func (r *Report) medianOf(metric, variant int) string {
	var values []float64
	for _, run := range r.Runs {
		if run.Variant == variant {
			values = append(values, run.Values[metric])
		}
	}
	if len(values) == 0 {
		return "–"
	}
	return strings.TrimSpace(lab.Brief(infer.Summarise(values).Median) + " " + r.Metrics[metric].Unit)
}

// Measured is the result as an experiment's file keeps it: when and where, and a line for each comparison.
func (r *Report) Measured() string {
	e := r.Environment
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d processors (%s), %s.\n", r.Design.Ended.UTC().Format("2006-01-02"), e.Kernel, e.CPUs, e.CPU, r.counted())
	for _, f := range r.Result.Findings {
		fmt.Fprintf(&b, "%s, %s against %s: %s against %s", f.Metric, f.Variant, f.Baseline, median(f, 1), median(f, 0))
		if !r.Result.MediansOnly {
			b.WriteString("; " + short(f))
		}
		b.WriteString(".\n")
	}
	return b.String()
}

// short is the finding's verdict without the names of the variants.
func short(f lab.Finding) string {
	if f.Verdict != infer.Differs {
		return f.Text
	}
	return strings.TrimSpace(fmt.Sprintf("differs: %s %s", f.Interval(), f.Better))
}
