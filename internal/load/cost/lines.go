package cost

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

const (
	// maxCaches is how many caches of the kernel have a line of their own; the others are together OtherSlab.
	maxCaches = 12
	// leastGrowth is how many bytes a connection a cache must have grown by to have one.
	leastGrowth = 16
	// maxSamples bounds the samples that are kept. More would not make the lines surer: neighbours err together.
	maxSamples = 100
	// uneven is from where on a line is called doubtful: half of the samples are further from it than so much of its rise.
	uneven = 0.1
)

// totals are the lines that are always wanted, in the order of the report.
var totals = []struct {
	name string
	side Side
}{
	{PSS, User},
	{RSS, User},
	{Live, User},
	{InUse, User},
	{Stacks, User},
	{Runtime, User},
	{Objects, Kernel},
	{Slab, Kernel},
	{Queues, Kernel},
	{Cgroup, Kernel},
	{Clients, Swarm},
}

// Compute fits the lines of samples, which it takes over. It is nil if there are none. ends is how many ends of each connection this machine has.
func Compute(samples []Sample, ends int) *Cost {
	if len(samples) == 0 {
		return nil
	}
	samples = thin(samples)
	gather(samples)
	c := &Cost{Samples: samples, Ends: max(1, ends)}
	for _, t := range totals {
		if p := c.Points(t.name, t.side); len(p) > 0 {
			c.Lines = append(c.Lines, fitted(t.name, t.side, p))
		}
	}
	caches := make([]Line, 0, maxCaches+1)
	for _, name := range c.caches() {
		caches = append(caches, fitted(name, Kernel, c.Points(name, Kernel)))
	}
	slices.SortStableFunc(caches, func(a, b Line) int { return cmp.Compare(b.BytesPerConn, a.BytesPerConn) })
	c.Lines = append(c.Lines, caches...)
	return c
}

// Points returns what a line is fitted to. The first sample, before the first connection, is left out where there are others: the first connections bring
// what is fixed with them, such as a loop's first slab.
func (c *Cost) Points(name string, side Side) (p []Point) {
	for _, s := range c.Samples {
		if bytes, ok := s.Bytes[name]; ok && s.Conns > 0 {
			p = append(p, Point{X: c.x(&s, side), Y: float64(bytes)})
		}
	}
	return p
}

// x returns the connections of a sample: for the kernel those that all sockets of the machine would make.
func (c *Cost) x(s *Sample, side Side) float64 {
	if side == Kernel {
		return float64(s.Sockets) / float64(c.Ends)
	}
	return float64(s.Conns)
}

func fitted(name string, side Side, p []Point) Line {
	l := Line{Name: name, Side: side, Points: len(p)}
	f, why := FitLine(p)
	if why != "" {
		l.Note = why
		return l
	}
	l.Known = true
	l.BytesPerConn, l.Low, l.High = f.Slope()
	l.Fixed = f.Fixed()
	switch e := f.Unevenness(p); {
	case !l.Grows():
		l.Note = "no growth that could be told from chance"
	case e > uneven:
		l.Note = fmt.Sprintf("grows unevenly: half of the samples are further from the line than %.0f %% of its rise", 100*e)
	}
	return l
}

// thin leaves out samples where many are close together in connections. The first and the last stay, and so do those with dear values.
func thin(samples []Sample) []Sample {
	if len(samples) <= maxSamples {
		return samples
	}
	step := float64(samples[len(samples)-1].Conns-samples[0].Conns) / maxSamples
	kept := samples[:0:0]
	next := math.Inf(-1)
	for i, s := range samples {
		_, dear := s.Bytes[PSS]
		_, page := s.Bytes[Live]
		if float64(s.Conns) >= next || dear || page || i == len(samples)-1 {
			kept = append(kept, s)
			next = float64(s.Conns) + step
		}
	}
	return kept
}

// gather puts the caches that hardly grow together.
func gather(samples []Sample) {
	apart := apart(samples)
	for _, s := range samples {
		var other int64
		found := false
		maps.DeleteFunc(s.Bytes, func(name string, bytes int64) bool {
			if !strings.HasPrefix(name, SlabPrefix) || apart[name] {
				return false
			}
			other += bytes
			found = true
			return true
		})
		if found {
			s.Bytes[OtherSlab] = other
		}
	}
}

// apart returns the names of the caches that have grown most.
func apart(samples []Sample) map[string]bool {
	first, last := samples[0], samples[len(samples)-1]
	for _, s := range samples {
		if s.Conns >= last.Conns {
			last = s
			break // later ones at the same number add what churns
		}
	}
	conns := float64(max(1, last.Conns-first.Conns))
	growth := make(map[string]float64)
	for name, bytes := range last.Bytes {
		if g := float64(bytes-first.Bytes[name]) / conns; strings.HasPrefix(name, SlabPrefix) && g >= leastGrowth {
			growth[name] = g
		}
	}
	names := slices.SortedFunc(maps.Keys(growth), func(a, b string) int { return cmp.Or(cmp.Compare(growth[b], growth[a]), cmp.Compare(a, b)) })
	apart := make(map[string]bool)
	for _, name := range names[:min(len(names), maxCaches)] {
		apart[name] = true
	}
	return apart
}

// caches returns the names of all caches in the samples.
func (c *Cost) caches() []string {
	names := make(map[string]bool)
	for _, s := range c.Samples {
		for name := range s.Bytes {
			if strings.HasPrefix(name, SlabPrefix) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
