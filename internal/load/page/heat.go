package page

import (
	"fmt"
	"math"

	"tickgate/internal/load/report"
	"tickgate/internal/plot"
)

// shadeBounds are the shares of a column's messages at which the next colour begins. The steps are even in the logarithm: what one message in ten
// thousand waits for is the reason to look at such a picture.
var shadeBounds = []float64{0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3}

// shade is a colour of the heat map with what it stands for.
type shade struct {
	Class string
	Text  string // where it begins
}

func shades() (list []shade) {
	for i, from := range shadeBounds {
		text := percent(from)
		if i == 0 {
			text = "> 0"
		}
		list = append(list, shade{fmt.Sprintf("h%d", i), text})
	}
	return list
}

func shadeOf(share float64) int {
	for i := len(shadeBounds) - 1; i > 0; i-- {
		if share >= shadeBounds[i] {
			return i
		}
	}
	return 0
}

// heatRange returns the ends of the buckets that any message fell into, with a little room.
func heatRange(h *report.Heat) (low, high float64) {
	first, last := math.MaxInt, 0
	for _, c := range h.Columns {
		if len(c.Counts) > 0 {
			first, last = min(first, c.First), max(last, c.First+len(c.Counts)-1)
		}
	}
	low, _ = h.Bounds(first - 1)
	_, high = h.Bounds(last + 1)
	return low, high
}

// drawHeat draws a cell for each bucket of each column, with one path for all cells of a colour: a hundredth of the elements.
func drawHeat(p *panel, h *report.Heat, x plot.Scale) {
	low, high := heatRange(h)
	y := p.logarithmic(low, high, millis)
	paths := make([]plot.Path, len(shadeBounds))
	for _, c := range h.Columns {
		var total int64
		for _, n := range c.Counts {
			total += n
		}
		left := x.At(c.From)
		width := max(x.At(c.To)-left, 1)
		for i, n := range c.Counts {
			if n == 0 {
				continue
			}
			from, to := h.Bounds(c.First + i)
			top := y.At(to)
			paths[shadeOf(float64(n)/float64(total))].Rect(left, top, width, y.At(from)-top)
		}
	}
	for i := range paths {
		p.shape(fmt.Sprintf("h%d", i), &paths[i])
	}
}
