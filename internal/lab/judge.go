package lab

import (
	"fmt"
	"math"
	"strings"

	"tickgate/internal/lab/infer"
)

// judge gives each finding its verdict, with all of them sharing the chance of a false difference.
func (e *Experiment) judge(result *Result, effects []infer.Effect) {
	p := make([]float64, len(effects))
	for i, effect := range effects {
		p[i] = effect.P
	}
	for i, corrected := range infer.Holm(p) {
		f := &result.Findings[i]
		f.PHolm = corrected
		below, above := scale{f.Effect, f.Minimum}.reach()
		f.Verdict = effects[i].Judge(corrected, below, above)
		if f.Verdict == infer.Inconclusive {
			f.Needed = effects[i].Needed(above, len(p))
		}
		f.Better = e.Metrics[i%len(e.Metrics)].Better.judge(*f)
		f.Text = f.sentence(e.Design.Repeats)
	}
}

// judge says whether a difference is one for the better.
func (d Direction) judge(f Finding) string {
	switch {
	case f.Verdict != infer.Differs || d == Neither:
		return ""
	case (f.Estimate < 0) == (d == Lower):
		return "better"
	}
	return "worse"
}

// sentence is the verdict with the numbers that belong to it.
func (f Finding) sentence(planned int) string {
	switch f.Verdict {
	case infer.None:
		return fmt.Sprintf("no measurable effect: %s, within ±%s", f.Interval(), f.amount(f.Minimum))
	case infer.Differs:
		return strings.TrimSpace(fmt.Sprintf("%s/%s differs: %s %s", f.Baseline, f.Variant, f.Interval(), parenthesised(f.Better)))
	}
	needs := "more repeats than these to estimate how many"
	if f.Needed > 0 {
		needs = fmt.Sprintf("about %d repeats", max(f.Needed, planned+1))
	}
	return fmt.Sprintf("inconclusive: %s, needs %s", f.Interval(), needs)
}

func parenthesised(word string) string {
	if word == "" {
		return ""
	}
	return "(" + word + ")"
}

// Interval writes the estimate with its confidence interval: +3.1 % [+1.2, +5.0], or in the metric's unit.
func (f Finding) Interval() string {
	unit, factor := f.Unit, 1.0
	if f.Effect == Ratio {
		unit, factor = "%", 100
	}
	if f.Blocks == 0 {
		return "no complete block"
	}
	estimate := strings.TrimSpace(signed(f.Estimate*factor) + " " + unit)
	if f.Low == nil || f.High == nil {
		return estimate + " (too few blocks for an interval)"
	}
	return estimate + " [" + signed(*f.Low*factor) + ", " + signed(*f.High*factor) + "]"
}

// amount writes an effect without a sign.
func (f Finding) amount(x float64) string {
	if f.Effect == Ratio {
		return Brief(x*100) + " %"
	}
	return strings.TrimSpace(Brief(x) + " " + f.Unit)
}

func signed(x float64) string {
	if x > 0 {
		return "+" + Brief(x)
	}
	return Brief(x)
}

// Brief writes a number with three significant digits and no exponent where that is readable.
func Brief(x float64) string {
	size := math.Abs(x)
	switch {
	case x == 0 || size < 1e-12:
		return "0"
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "–"
	case size >= 1e15 || size < 1e-4:
		return fmt.Sprintf("%.2e", x)
	case size >= 100:
		return grouped(math.Round(x))
	}
	digits := max(0, 2-int(math.Floor(math.Log10(size))))
	return fmt.Sprintf("%.*f", min(digits, 6), x)
}

// grouped writes a whole number with commas between thousands.
func grouped(x float64) string {
	digits := fmt.Sprintf("%.0f", math.Abs(x))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if x < 0 {
		return "-" + digits
	}
	return digits
}

// maxInHeadline is how many differences can be read at a glance.
const maxInHeadline = 3

// headline is the experiment's answer in one sentence.
func (e *Experiment) headline(findings []Finding) string {
	if e.MediansOnly {
		return "medians without verdicts"
	}
	var differ []string
	open := 0
	for _, f := range findings {
		switch f.Verdict {
		case infer.Differs:
			differ = append(differ, fmt.Sprintf("%s %s vs %s: %s", f.Metric, f.Variant, f.Baseline, f.Interval()))
		case infer.Inconclusive:
			open++
		}
	}
	if more := len(differ) - maxInHeadline; more > 0 {
		differ = append(differ[:maxInHeadline], fmt.Sprintf("and %d more", more))
	}
	rest := ""
	if open > 0 {
		rest = fmt.Sprintf("%d of %d comparisons inconclusive", open, len(findings))
	}
	switch {
	case len(differ) > 0 && rest != "":
		return strings.Join(differ, "; ") + " (" + rest + ")"
	case len(differ) > 0:
		return strings.Join(differ, "; ")
	case rest != "":
		return "no difference found, but " + rest
	}
	return string(infer.None)
}
