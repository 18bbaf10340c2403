package page

import (
	"fmt"
	"strings"

	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// columns is how many intervals of the series a picture shows at most; a page is not wider.
const columns = 600

// thinned returns at most columns points: each sums up its part of the series. Rates become means, extremes stay what they are.
func thinned(points []report.Point) []report.Point {
	n := (len(points) + columns - 1) / columns
	if n <= 1 {
		return points
	}
	var list []report.Point
	for from := 0; from < len(points); from += n {
		list = append(list, summed(points[from:min(from+n, len(points))]))
	}
	return list
}

func summed(points []report.Point) report.Point {
	sum := points[len(points)-1]
	sum.Messages, sum.Lost, sum.Conflated, sum.Opened, sum.Failed, sum.Disconnects = 0, 0, 0, 0, 0, 0
	sum.Server, sum.Swarm = 0, 0
	for _, p := range points {
		sum.Messages, sum.Lost, sum.Conflated = sum.Messages+p.Messages, sum.Lost+p.Lost, sum.Conflated+p.Conflated
		sum.Opened, sum.Failed, sum.Disconnects = sum.Opened+p.Opened, sum.Failed+p.Failed, sum.Disconnects+p.Disconnects
		sum.P50, sum.P99, sum.Max = max(sum.P50, p.P50), max(sum.P99, p.P99), max(sum.Max, p.Max)
		sum.Server, sum.Swarm = sum.Server+p.Server/float64(len(points)), sum.Swarm+p.Swarm/float64(len(points))
	}
	return sum
}

// timeline is the picture of the whole run: latencies, and under them what happened at the same time.
func timeline(r *report.Report) *chart {
	points := thinned(r.Series)
	if len(points) < 2 {
		return nil
	}
	c := newChart("timeline", "Latency over time, and what else happened",
		"Each column is a second or more; the colour is the share of its messages that had this latency, with the scale below. All panels share the time axis.", wide)
	x := plot.Linear(0, points[len(points)-1].At, float64(c.Left), float64(c.Right))
	c.X = timeTicks(x, points[len(points)-1].At)
	c.XLabel = "time since the first connect"
	c.Bottom = momentRow
	if r.Heat != nil {
		p := c.panel("latency from the intended time (log), line: p99 while holding", 230)
		drawHeat(p, r.Heat, x)
		drawP99(p, r, points, x)
	}
	drawSlow(c, r, x)
	drawGateway(c, r, x)
	drawCores(c, points, x)
	drawTrouble(c, points, x)
	p := c.panel("connections", 56)
	y := p.linear(0, float64(max(r.Plan.Planned, 1)), short)
	drawn := trace(points, x, y, func(p report.Point) float64 { return float64(p.Connected) })
	p.area("a0", drawn)
	p.line("l0", drawn)
	c.Moments = moments(r, x)
	for _, point := range points {
		c.hover = append(c.hover, hover{float64(x.At(point.At)), pointText(point)})
	}
	return c
}

// timeTicks labels a time axis.
func timeTicks(x plot.Scale, end float64) (ticks []tick) {
	for _, v := range plot.Inside(0, end, 9) {
		ticks = append(ticks, tick{x.At(v), clock(v)})
	}
	return ticks
}

// trace returns a line through the points.
func trace(points []report.Point, x, y plot.Scale, of func(report.Point) float64) []xy {
	list := make([]xy, len(points))
	for i, p := range points {
		list[i] = xy{x.At(p.At), y.Clip(of(p))}
	}
	return list
}

// moments mark the phases.
func moments(r *report.Report, x plot.Scale) (list []moment) {
	if from := r.Phases.HoldFrom; from > 0 {
		list = append(list, moment{x.Clip(from), "hold begins", "start"})
	}
	if to := r.Phases.HoldTo; to > 0 && r.Phases.Settle > 1 {
		list = append(list, moment{x.Clip(to), "hold ends", "end"})
	}
	return list
}

func drawP99(p *panel, r *report.Report, points []report.Point, x plot.Scale) {
	low, high := heatRange(r.Heat)
	y := plot.Log(low, high, float64(p.Bottom), float64(p.Top))
	var path plot.Path
	gap := true
	for _, point := range points {
		if point.P99 == 0 {
			gap = true
			continue
		}
		if gap {
			path.Move(x.At(point.At), y.Clip(point.P99))
		}
		path.Line(x.At(point.At), y.Clip(point.P99))
		gap = false
	}
	p.shape("halo", &path)
	p.shape("p99", &path)
}

func drawCores(c *chart, points []report.Point, x plot.Scale) {
	most, server := 0.0, 0.0
	for _, p := range points {
		most, server = max(most, p.Server, p.Swarm), max(server, p.Server)
	}
	p := c.panel("processor cores in use: swarm", 70)
	y := p.linear(0, max(most, 0.1), digits)
	p.line("l1", trace(points, x, y, func(p report.Point) float64 { return p.Swarm }))
	c.Keys = append(c.Keys, key{"l1", "swarm's cores"})
	if server > 0 {
		p.Label = "processor cores in use: server and swarm"
		p.line("l0", trace(points, x, y, func(p report.Point) float64 { return p.Server }))
		c.Keys = append(c.Keys, key{"l0", "server's cores, connections"})
	}
}

// drawTrouble draws what should not be: a bar for each interval with losses, skipped messages, failed connects or broken connections. There is no such
// panel if there was no trouble.
func drawTrouble(c *chart, points []report.Point, x plot.Scale) {
	kinds := []struct {
		name, class string
		of          func(report.Point) int64
	}{
		{"messages lost", "b1", func(p report.Point) int64 { return p.Lost }},
		{"messages skipped for newer ones", "b2", func(p report.Point) int64 { return p.Conflated }},
		{"connections broken off", "b1", func(p report.Point) int64 { return p.Disconnects }},
		{"connects failed", "b1", func(p report.Point) int64 { return p.Failed }},
	}
	for _, kind := range kinds {
		var most int64
		for _, p := range points {
			most = max(most, kind.of(p))
		}
		if most > 0 {
			bars(c.panel(kind.name+" in each interval", 44), kind.class, points, x, float64(most), kind.of)
		}
	}
}

func bars(p *panel, class string, points []report.Point, x plot.Scale, most float64, of func(report.Point) int64) {
	y := p.linear(0, most, short)
	var path plot.Path
	for i, point := range points {
		if v := of(point); v > 0 {
			from := plot.Px(leftEdge)
			if i > 0 {
				from = x.At(points[i-1].At)
			}
			top := min(y.At(float64(v)), p.Bottom-1.5) // one that is small beside the others is still there
			path.Rect(from, top, max(x.At(point.At)-from-0.5, 1), p.Bottom-top)
		}
	}
	p.shape(class, &path)
}

// pointText tells the numbers of an interval, a line each.
func pointText(p report.Point) string {
	lines := []string{clock(p.At), report.Comma(p.Connected) + " connected", report.Comma(p.Messages) + " messages"}
	if p.P99 > 0 {
		lines = append(lines, fmt.Sprintf("p50 %s, p99 %s, max %s", report.Duration(p.P50), report.Duration(p.P99), report.Duration(p.Max)))
	}
	if p.Server > 0 {
		lines = append(lines, fmt.Sprintf("server %.2f cores, %s", p.Server, bytesOf(float64(p.RSS))))
	}
	lines = append(lines, fmt.Sprintf("swarm %.2f cores", p.Swarm))
	for _, n := range []struct {
		n    int64
		what string
	}{{p.Lost, "lost"}, {p.Conflated, "skipped"}, {p.Disconnects, "broken off"}, {p.Failed, "connects failed"}} {
		if n.n > 0 {
			lines = append(lines, report.Comma(n.n)+" "+n.what)
		}
	}
	return strings.Join(lines, "\n")
}
