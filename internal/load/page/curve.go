package page

import (
	"fmt"
	"math"
	"strings"

	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// percentiles is the distribution of the latencies while holding, on an axis on which each nine is as wide as the one before: 90 %, 99 %, 99.9 %.
func percentiles(r *report.Report) *chart {
	if len(r.Curves) == 0 {
		return nil
	}
	nines, low, high := 1.0, math.Inf(1), 0.0
	for _, c := range r.Curves {
		nines = max(nines, math.Log10(float64(c.Count)))
		low, high = min(low, c.Points[0].Latency), max(high, c.Points[len(c.Points)-1].Latency)
	}
	c := newChart("percentiles", "Latency by percentile", "From the intended time to the delivery, while holding. The dot at the end is the maximum.", half)
	x := plot.Linear(0, nines, float64(c.Left), float64(c.Right))
	for n := 0.0; n <= nines; n++ {
		c.X = append(c.X, tick{x.At(n), strings.TrimSuffix(nine(n), " %")})
	}
	c.XLabel = "share of the messages that came within this time, %"
	p := c.panel("latency", halfPanel)
	y := p.linear(0, max(high, 0.001), millis)
	for i, curve := range r.Curves {
		drawCurve(p, curve, i, x, y)
		c.Keys = append(c.Keys, key{fmt.Sprintf("l%d", i), fmt.Sprintf("%s, %s messages", curve.Name, report.Comma(curve.Count))})
	}
	for _, point := range r.Curves[0].Points {
		text := nine(-math.Log10(1-point.Share)) + " of the messages"
		for _, curve := range r.Curves {
			text += fmt.Sprintf("\n%s within %s", curve.Name, report.Duration(within(curve, point.Share)))
		}
		c.hover = append(c.hover, hover{float64(x.Clip(-math.Log10(1 - min(point.Share, 1-1e-15)))), text})
	}
	return c
}

func drawCurve(p *panel, curve report.Curve, index int, x, y plot.Scale) {
	end := math.Log10(float64(curve.Count))
	var line []xy
	for _, point := range curve.Points {
		at := end
		if point.Share < 1 {
			at = -math.Log10(1 - point.Share)
		}
		line = append(line, xy{x.At(at), y.At(point.Latency)})
	}
	p.line(fmt.Sprintf("l%d", index), line)
	last := line[len(line)-1]
	most := curve.Points[len(curve.Points)-1].Latency
	p.Dots = append(p.Dots, dot{last.x, last.y, fmt.Sprintf("c%d", index), curve.Name + ", slowest message: " + report.Duration(most)})
}

// nine writes a percentile by the number of its nines: 2 is 99 %.
func nine(n float64) string {
	switch {
	case n == 0:
		return "0 %"
	case math.IsInf(n, 0) || n > 12:
		return "100 %"
	}
	decimals := max(int(math.Ceil(n))-2, 0)
	if n != math.Trunc(n) {
		decimals++
	}
	return fmt.Sprintf("%.*f %%", decimals, 100*(1-math.Pow(10, -n)))
}

// within returns the time in which a share of a curve's messages came.
func within(c report.Curve, share float64) float64 {
	for _, p := range c.Points {
		if p.Share >= share {
			return p.Latency
		}
	}
	return c.Points[len(c.Points)-1].Latency
}
