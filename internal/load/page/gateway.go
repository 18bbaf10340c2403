package page

import (
	"fmt"
	"slices"
	"time"

	"tickgate/internal/load/blame"
	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// drawGateway draws what the gateway's loops and collectors did, if it told: the busiest process of each moment.
func drawGateway(c *chart, r *report.Report, x plot.Scale) {
	if r.Blame == nil || len(r.Blame.Gateway) < 2 {
		return
	}
	points := r.Blame.Gateway
	begin := r.Phases.Zero
	p := c.panel("gateway's event loops: busy share of the time, of which accepts and reads dashed", 64)
	busiest, most := 0.05, 0.1
	for _, point := range points {
		busiest, most = max(busiest, point.LoopBusy), max(most, point.Pause, point.Assist)
	}
	y := p.linear(0, min(busiest, 1), percent)
	p.line("l0", worst(points, begin, x, y, func(p blame.Point) float64 { return p.LoopBusy }))
	p.line("l0 dashed", worst(points, begin, x, y, func(p blame.Point) float64 { return p.AcceptBusy }))
	p = c.panel("garbage collector, ms a second: pauses as bars, assists as a line", 54)
	y = p.linear(0, most, digits)
	var path plot.Path
	for _, point := range points {
		if point.Pause > 0 {
			at, top := x.Clip(point.At.Sub(begin).Seconds()), min(y.At(point.Pause), p.Bottom-1.5)
			path.Rect(at-1.5, top, 3, p.Bottom-top)
		}
	}
	p.shape("b3", &path)
	p.line("l3", worst(points, begin, x, y, func(p blame.Point) float64 { return p.Assist }))
}

// worst is a line through the largest value of each second, over all processes.
func worst(points []blame.Point, begin time.Time, x, y plot.Scale, of func(blame.Point) float64) (line []xy) {
	most := make(map[int]float64)
	for _, p := range points {
		second := int(p.At.Sub(begin).Seconds())
		most[second] = max(most[second], of(p))
	}
	seconds := make([]int, 0, len(most))
	for second := range most {
		seconds = append(seconds, second)
	}
	slices.Sort(seconds)
	step := max(len(seconds)/columns, 1)
	for i := 0; i < len(seconds); i += step {
		value := 0.0
		for _, second := range seconds[i:min(i+step, len(seconds))] {
			value = max(value, most[second])
		}
		line = append(line, xy{x.Clip(float64(seconds[i])), y.Clip(value)})
	}
	return line
}

// drawSlow marks the slow ticks by the colour of their cause.
func drawSlow(c *chart, r *report.Report, x plot.Scale) {
	if r.Blame == nil || len(r.Blame.Ticks) == 0 {
		return
	}
	p := c.panel("slow ticks, by cause", 14)
	begin := r.Phases.Zero
	for _, v := range r.Blame.Ticks {
		title := fmt.Sprintf("tick %d: %s late, %s", v.Seq, report.Duration(v.Late), v.Cause)
		p.Dots = append(p.Dots, dot{x.Clip(v.Intended.Sub(begin).Seconds()), (p.Top + p.Bottom) / 2, causeClass(v.Cause), title})
	}
	for _, cause := range blame.Causes {
		if r.Blame.Causes[cause] > 0 {
			c.Keys = append(c.Keys, key{causeClass(cause), "slow: " + cause.String()})
		}
	}
}

// causeClass gives each cause a colour of its own.
func causeClass(c blame.Cause) string {
	return fmt.Sprintf("t%d", max(slices.Index(blame.Causes, c), 0))
}
