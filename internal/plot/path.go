package plot

import (
	"math"
	"strconv"
)

// Px is a coordinate of a picture. It is written with one digit behind the point, which is finer than any screen shows.
type Px float64

// String implements fmt.Stringer, which html/template uses.
func (p Px) String() string {
	return strconv.FormatFloat(math.Round(float64(p)*10)/10+0, 'f', -1, 64) // +0 turns a negative zero into zero
}

// Path is the data of an SVG path in the making (SVG 2 §9.3). The zero value is empty.
type Path struct{ d []byte }

// Move begins another line at a point.
func (p *Path) Move(x, y Px) { p.add('M', x, y) }

// Line goes straight to a point.
func (p *Path) Line(x, y Px) { p.add('L', x, y) }

// To goes to a point, or begins there if the path is empty.
func (p *Path) To(x, y Px) {
	if len(p.d) == 0 {
		p.Move(x, y)
		return
	}
	p.Line(x, y)
}

// Close goes back to where the line began.
func (p *Path) Close() { p.d = append(p.d, 'Z') }

// Rect adds a rectangle.
func (p *Path) Rect(x, y, width, height Px) {
	p.add('M', x, y)
	p.d = append(append(p.d, 'h'), width.String()...)
	p.d = append(append(p.d, 'v'), height.String()...)
	p.d = append(append(p.d, 'h'), (-width).String()...)
	p.Close()
}

func (p *Path) add(command byte, x, y Px) {
	p.d = append(append(p.d, command), x.String()...)
	p.d = append(append(p.d, ' '), y.String()...)
}

// String returns the data for the attribute d.
func (p *Path) String() string { return string(p.d) }
