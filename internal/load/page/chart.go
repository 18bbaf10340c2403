package page

import (
	"encoding/json"

	"tickgate/internal/plot"
)

// chart is a picture: panels one below the other that share the horizontal axis. The template draws it; all positions are in the picture's own units.
type chart struct {
	ID, Title, About string
	Wide             bool // as wide as the page; others are half as wide
	Width, Height    plot.Px
	Left, Right      plot.Px
	X                []tick
	XLabel           string
	Panels           []*panel
	Moments          []moment
	Keys             []key
	Bottom           plot.Px // of the last panel
	hover            []hover
}

// panel is one diagram with an axis of its own.
type panel struct {
	Label       string // what is drawn, with its unit
	Top, Bottom plot.Px
	Y           []tick
	Shapes      []shape
	Dots        []dot
	Texts       []text
}

type tick struct {
	At   plot.Px
	Text string
}

// Anchor says where the text of a tick of the horizontal axis stands, so that none leaves the picture.
func (c *chart) Anchor(t tick) string {
	if t.At > c.Right-rightEdge {
		return "end"
	}
	return "middle"
}

// shape is a path with a class of the style sheet.
type shape struct{ Class, D string }

type dot struct {
	X, Y         plot.Px
	Class, Title string
}

type text struct {
	X, Y         plot.Px
	Anchor, Text string
}

// moment is a line through all panels.
type moment struct {
	X      plot.Px
	Text   string
	Anchor string
}

// key explains a class.
type key struct{ Class, Text string }

// hover is what is told when the pointer is nearest to X.
type hover struct {
	X    float64 `json:"x"`
	Text string  `json:"t"`
}

// Hover returns the numbers under the pointer as JSON, for the script.
func (c *chart) Hover() string {
	text, err := json.Marshal(c.hover)
	if err != nil {
		panic("BUG: encode hover texts: " + err.Error()) // numbers that are positions in a picture
	}
	return string(text)
}

// The measures of pictures.
const (
	wide       = 1040.0
	half       = 508.0
	leftEdge   = 62.0 // room for the vertical axis
	rightEdge  = 18.0
	headroom   = 34.0 // above a panel, for its label between the axes' numbers
	momentRow  = 14.0 // above the first panel, for the names of moments
	xAxisSpace = 40.0
	halfPanel  = 220.0
)

// newChart returns a chart without panels.
func newChart(id, title, about string, width float64) *chart {
	return &chart{ID: id, Title: title, About: about, Wide: width == wide, Width: plot.Px(width), Left: leftEdge, Right: plot.Px(width - rightEdge)}
}

// panel adds an empty panel of a height below the others.
func (c *chart) panel(label string, height float64) *panel {
	p := &panel{Label: label, Top: c.Bottom + headroom}
	p.Bottom = p.Top + plot.Px(height)
	c.Panels = append(c.Panels, p)
	c.Bottom, c.Height = p.Bottom, p.Bottom+xAxisSpace
	return p
}

// linear gives the panel a linear axis over at least these values, and returns its scale.
func (p *panel) linear(low, high float64, format func(float64) string) plot.Scale {
	a := plot.NewAxis(low, high, max(int(p.Bottom-p.Top)/45, 1))
	s := plot.Linear(a.Low, a.High, float64(p.Bottom), float64(p.Top))
	for _, v := range a.Ticks() {
		p.Y = append(p.Y, tick{s.At(v), format(v)})
	}
	return s
}

// logarithmic does so with a logarithmic one, from low to high exactly.
func (p *panel) logarithmic(low, high float64, format func(float64) string) plot.Scale {
	s := plot.Log(low, high, float64(p.Bottom), float64(p.Top))
	for _, v := range plot.Decades(low, high, max(int(p.Bottom-p.Top)/26, 2)) {
		p.Y = append(p.Y, tick{s.At(v), format(v)})
	}
	return s
}

// line adds a line through points.
func (p *panel) line(class string, points []xy) {
	var path plot.Path
	for _, at := range points {
		path.To(at.x, at.y)
	}
	p.shape(class, &path)
}

// area adds the area below a line.
func (p *panel) area(class string, points []xy) {
	if len(points) == 0 {
		return
	}
	var path plot.Path
	path.Move(points[0].x, p.Bottom)
	for _, at := range points {
		path.Line(at.x, at.y)
	}
	path.Line(points[len(points)-1].x, p.Bottom)
	path.Close()
	p.shape(class, &path)
}

func (p *panel) shape(class string, path *plot.Path) {
	if d := path.String(); d != "" {
		p.Shapes = append(p.Shapes, shape{class, d})
	}
}

type xy struct{ x, y plot.Px }

// TickEnd is where the marks of the horizontal axis end.
func (c *chart) TickEnd() plot.Px { return c.Bottom + 4 }
