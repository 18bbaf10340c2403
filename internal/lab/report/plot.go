package report

import (
	"math"

	"tickgate/internal/lab"
	"tickgate/internal/lab/infer"
	"tickgate/internal/plot"
)

// The plot's measures in its own units.
const (
	plotWidth   = 760.0
	plotHeight  = 220.0
	plotLeft    = 70.0  // room for the axis
	plotRight   = 170.0 // room for the summaries
	plotTop     = 12.0
	plotBottom  = 28.0
	summaryStep = 36.0
)

// plotData is what the template draws: a dot per run in the order of execution, so that a drift can be seen, and beside them each variant's median with
// its interval.
type plotData struct {
	Width, Height, Left, Right, Top, Bottom float64
	Title                                   string
	Ticks                                   []tick
	Dots                                    []dot
	Blocks                                  []block
	Summaries                               []summary
}

type tick struct {
	Y    float64
	Text string
}

type dot struct {
	X, Y  float64
	Color int
	Title string
}

type block struct {
	X    float64
	Text string
}

type summary struct {
	X, Y, Low, High float64
	Bounded         bool
	Color           int
	Letter, Title   string
}

// plot prepares the picture of a metric's values.
func (r *Report) plot(metric int) plotData {
	p := plotData{Width: plotWidth, Height: plotHeight, Left: plotLeft, Right: plotWidth - plotRight, Top: plotTop, Bottom: plotHeight - plotBottom}
	m := r.Metrics[metric]
	p.Title = m.Name
	byVariant := make([][]float64, len(r.Variants))
	low, high := math.Inf(1), math.Inf(-1)
	for _, run := range r.Runs {
		v := run.Values[metric]
		byVariant[run.Variant] = append(byVariant[run.Variant], v)
		low, high = min(low, v), max(high, v)
	}
	a := plot.NewAxis(low, high, 4) // it does not begin at zero: what is compared are the variants, not their size
	y := func(v float64) float64 { return p.Bottom - (v-a.Low)/(a.High-a.Low)*(p.Bottom-p.Top) }
	for _, v := range a.Ticks() {
		p.Ticks = append(p.Ticks, tick{y(v), lab.Brief(v)})
	}
	step := (p.Right - p.Left) / float64(len(r.Runs)+1)
	for i, run := range r.Runs {
		x := p.Left + step*float64(i+1)
		p.Dots = append(p.Dots, dot{x, y(run.Values[metric]), run.Variant, run.title(metric, m)})
		if i == 0 || run.Block != r.Runs[i-1].Block {
			p.Blocks = append(p.Blocks, block{x - step/2, "block " + lab.Brief(float64(run.Block))})
		}
	}
	for v, values := range byVariant {
		if len(values) == 0 {
			continue
		}
		s := infer.Summarise(values)
		drawn := summary{
			X: p.Right + summaryStep*float64(v+1)*min(1, 4/float64(len(byVariant))), Y: y(s.Median), Bounded: !math.IsInf(s.Low, 0), Color: v, Letter: letter(v),
			Title: r.Variants[v].Name + ": median " + lab.Brief(s.Median) + " " + m.Unit,
		}
		if drawn.Bounded {
			drawn.Low, drawn.High = y(s.Low), y(s.High)
			drawn.Title += " [" + lab.Brief(s.Low) + ", " + lab.Brief(s.High) + "]"
		}
		p.Summaries = append(p.Summaries, drawn)
	}
	return p
}

func (run Run) title(metric int, m Metric) string {
	return "run " + lab.Brief(float64(run.Number)) + ", " + run.Name + ": " + lab.Brief(run.Values[metric]) + " " + m.Unit
}

// forestData is the picture of one effect: its interval, zero, and the range of effects that are too small to matter.
type forestData struct {
	Zero, Below, Above    float64
	Low, Estimate, High   float64
	LowOpen, HighOpen, OK bool
}

// forestWidth is the picture's width in its own units.
const forestWidth = 160.0

// forest prepares the picture of a finding. It reaches twice as far as the smallest effect of interest, or to the end of the interval.
func forest(f lab.Finding) forestData {
	reach := 2 * f.Minimum
	for _, bound := range []*float64{f.Low, f.High, &f.Estimate} {
		if bound != nil {
			reach = max(reach, math.Abs(*bound)*1.1)
		}
	}
	if reach == 0 || f.Blocks == 0 {
		return forestData{}
	}
	x := func(v float64) float64 { return forestWidth/2 + v/reach*forestWidth/2 }
	d := forestData{OK: true, Zero: x(0), Below: x(-f.Minimum), Above: x(f.Minimum), Estimate: x(f.Estimate), Low: 0, High: forestWidth}
	if d.LowOpen = f.Low == nil; !d.LowOpen {
		d.Low = x(*f.Low)
	}
	if d.HighOpen = f.High == nil; !d.HighOpen {
		d.High = x(*f.High)
	}
	return d
}
