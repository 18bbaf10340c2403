package page

import (
	"fmt"

	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// ramp is how the clients got connected: how many there were, and what each second brought.
func ramp(r *report.Report) *chart {
	points := []report.Point{{}}
	for _, p := range r.Series {
		points = append(points, p)
		if p.At >= r.Phases.HoldFrom {
			break
		}
	}
	points = thinned(points)
	if len(points) < 3 {
		return nil
	}
	about := fmt.Sprintf("%s a second on average, of %s planned", report.Comma(r.Connections.PerSecond), report.Comma(r.Plan.Rate))
	if r.Plan.Rate == 0 {
		about = fmt.Sprintf("%s a second on average, not paced", report.Comma(r.Connections.PerSecond))
	}
	if q := r.Connections.Connect; q.Count > 0 {
		about += fmt.Sprintf("; connect p99 %s, handshake p99 %s", report.Duration(q.P99), report.Duration(r.Connections.Handshake.P99))
	}
	c := newChart("ramp", "Ramp", about+".", half)
	end := points[len(points)-1].At
	x := plot.Linear(0, end, float64(c.Left), float64(c.Right))
	for _, v := range plot.Inside(0, end, 5) {
		c.X = append(c.X, tick{x.At(v), clock(v)})
	}
	c.XLabel = "time since the first connect"
	p := c.panel("connections", 110)
	y := p.linear(0, float64(max(r.Plan.Planned, 1)), short)
	line := trace(points, x, y, func(p report.Point) float64 { return float64(p.Connected) })
	p.area("a0", line)
	p.line("l0", line)
	rates(c, points, x)
	for i, point := range points[1:] {
		text := fmt.Sprintf("%s\n%s connected\n%s opened, %s failed in %s", clock(point.At), report.Comma(point.Connected),
			report.Comma(point.Opened), report.Comma(point.Failed), clock(point.At-points[i].At))
		c.hover = append(c.hover, hover{float64(x.At(point.At)), text})
	}
	return c
}

// rates draws how many connections each second opened, and how many attempts failed.
func rates(c *chart, points []report.Point, x plot.Scale) {
	perSecond := func(n int64, i int) float64 { return float64(n) / max(points[i].At-points[i-1].At, 0.001) }
	most, failed := 0.0, false
	for i := 1; i < len(points); i++ {
		most = max(most, perSecond(points[i].Opened, i), perSecond(points[i].Failed, i))
		failed = failed || points[i].Failed > 0
	}
	p := c.panel("connects a second", 66)
	y := p.linear(0, max(most, 1), short)
	var opened, refused plot.Path
	for i := 1; i < len(points); i++ {
		left, width := x.At(points[i-1].At), x.At(points[i].At)-x.At(points[i-1].At)
		if n := points[i].Opened; n > 0 {
			top := y.At(perSecond(n, i))
			opened.Rect(left, top, max(width-1, 0.5), p.Bottom-top)
		}
		if n := points[i].Failed; n > 0 {
			top := y.At(perSecond(n, i))
			refused.Rect(left+width/4, top, max(width/2, 0.5), p.Bottom-top)
		}
	}
	p.shape("b0", &opened)
	p.shape("b1", &refused)
	if failed {
		c.Keys = append(c.Keys, key{"b0", "opened"}, key{"b1", "failed"})
	}
}
