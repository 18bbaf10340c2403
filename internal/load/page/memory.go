package page

import (
	"fmt"
	"math"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// memoryLines are the lines that are drawn: whose slopes are the prices of a connection.
var memoryLines = []struct {
	name, text string
	unless     string // a line that says the same better
}{
	{cost.PSS, "server's processes (PSS)", ""},
	{cost.RSS, "server's processes (RSS)", cost.PSS},
	{cost.Objects, "kernel objects", ""},
	{cost.Slab, "kernel objects (slab)", cost.Objects},
	{cost.Queues, "socket buffers", ""},
}

// memory is what was held at each number of connections beyond what was held without any, with the fitted line and its confidence: the server's
// processes above, the kernel below, which is many times more.
func memory(r *report.Report) *chart {
	drawn := drawnLines(r.Cost)
	most := 0.0
	for _, line := range drawn {
		for _, at := range line.points {
			most = max(most, at.X)
		}
	}
	if most == 0 {
		return nil
	}
	about := "What was held beyond that of no connection, and the fitted line with its 95 % confidence."
	if r.Cost.Ends > 1 {
		about += " The kernel's part is for both ends: server and swarm are on this machine."
	}
	c := newChart("memory", "Memory over connections", about, half)
	x := plot.Linear(0, most, float64(c.Left), float64(c.Right))
	for _, v := range plot.Inside(0, most, 5) {
		c.X = append(c.X, tick{x.At(v), short(v)})
	}
	c.XLabel = "connections"
	for _, side := range []struct {
		cost.Side
		label string
	}{{cost.User, "server's processes, bytes in addition"}, {cost.Kernel, "kernel, bytes in addition"}} {
		if list := ofSide(drawn, side.Side); len(list) > 0 {
			drawLines(c, c.panel(side.label, halfPanel/2-headroom/2), list, x)
		}
	}
	c.hover = memoryHover(drawn, x)
	return c
}

func ofSide(lines []memoryLine, side cost.Side) (list []memoryLine) {
	for _, line := range lines {
		if line.Side == side {
			list = append(list, line)
		}
	}
	return list
}

func drawLines(c *chart, p *panel, lines []memoryLine, x plot.Scale) {
	low, high := 0.0, 0.0
	for _, line := range lines {
		for _, at := range line.points {
			low, high = min(low, at.Y), max(high, at.Y)
		}
	}
	y := p.linear(low, high, bytesOf)
	for _, line := range lines {
		class := len(c.Keys)
		drawFit(p, line, class, x, y)
		c.Keys = append(c.Keys, key{fmt.Sprintf("l%d", class), line.text + ": " + slope(line.Line)})
	}
}

// memoryLine is a line with its samples.
type memoryLine struct {
	*cost.Line
	text   string
	points []cost.Point // of bytes beyond the line's fixed part
}

// drawnLines returns those that the run has.
func drawnLines(c *cost.Cost) (list []memoryLine) {
	for _, wanted := range memoryLines {
		line := c.Line(wanted.name)
		if line == nil || line.Points == 0 || c.Line(wanted.unless) != nil {
			continue
		}
		m := memoryLine{Line: line, text: wanted.text, points: beyond(c, line)}
		list = append(list, m)
	}
	return list
}

// beyond returns what a line is fitted to, less its fixed part and, of the kernel's memory, less the price of other programs' sockets: these are what
// the points have more in X than connections.
func beyond(c *cost.Cost, line *cost.Line) []cost.Point {
	points := c.Points(line.Name, line.Side)
	fixed := line.Fixed
	if !line.Known {
		fixed = points[0].Y
	}
	i := 0
	for _, s := range c.Samples {
		if _, ok := s.Bytes[line.Name]; ok && s.Conns > 0 {
			conns := float64(s.Conns)
			points[i].Y -= fixed + line.BytesPerConn*(points[i].X-conns)
			points[i].X = conns
			i++
		}
	}
	return points
}

func drawFit(p *panel, line memoryLine, index int, x, y plot.Scale) {
	mean, most := 0.0, 0.0
	for _, at := range line.points {
		mean, most = mean+at.X/float64(len(line.points)), max(most, at.X)
		p.Dots = append(p.Dots, dot{x.At(at.X), y.At(at.Y), fmt.Sprintf("c%d small", index), ""})
	}
	if !line.Known {
		return
	}
	// The interval is that of the slope; the line is surest about the middle of its samples.
	at := func(slope, conns float64) plot.Px { return y.Clip(line.BytesPerConn*mean + slope*(conns-mean)) }
	var band plot.Path
	middle := at(0, mean)
	band.To(x.At(0), at(line.Low, 0))
	band.To(x.At(mean), middle)
	band.To(x.At(most), at(line.High, most))
	band.To(x.At(most), at(line.Low, most))
	band.To(x.At(mean), middle)
	band.To(x.At(0), at(line.High, 0))
	band.Close()
	p.shape(fmt.Sprintf("a%d", index), &band)
	p.line(fmt.Sprintf("l%d", index), []xy{{x.At(0), y.Clip(0)}, {x.At(most), y.Clip(line.BytesPerConn * most)}})
}

// slope writes a line's price of a connection.
func slope(line *cost.Line) string {
	if !line.Known {
		return line.Note
	}
	return between(line.BytesPerConn, line.Low, line.High) + " per connection"
}

func memoryHover(drawn []memoryLine, x plot.Scale) (list []hover) {
	for _, at := range drawn[0].points {
		text := report.Comma(at.X) + " connections"
		for _, line := range drawn {
			for _, other := range line.points {
				if math.Abs(other.X-at.X) < 1 {
					text += "\n" + line.text + ": " + bytesOf(other.Y)
					break
				}
			}
		}
		list = append(list, hover{float64(x.At(at.X)), text})
	}
	return list
}

// memoryRow is a line of the table of prices.
type memoryRow struct {
	Name, Side, Price, Fixed, Note string
}

// memoryRows lists all lines.
func memoryRows(r *report.Report) (rows []memoryRow) {
	if r.Cost == nil {
		return nil
	}
	for _, line := range r.Cost.Lines {
		row := memoryRow{Name: line.Name, Side: string(line.Side), Note: line.Note}
		if line.Known {
			row.Price, row.Fixed = between(line.BytesPerConn, line.Low, line.High), bytesOf(line.Fixed)
		}
		rows = append(rows, row)
	}
	return rows
}
