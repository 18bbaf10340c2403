package planner

import (
	"math"
	"sort"

	"tickgate/internal/limits"
)

const (
	// usable is the part of the processors that can be planned with; the rest is for connects, heartbeats, the collector and others.
	usable = 0.8
	// spare is left to everybody else, in bytes, as in internal/limits.
	spare = 256 << 20
	// most is beyond any machine; it keeps products within an int64.
	most = 1_000_000_000
)

// wall returns what runs out first on the planner's machine for role. Memory and processors are judged by what was measured, everything else by
// internal/limits.
func (p *Planner) wall(role limits.Role, n int) Wall {
	w := Wall{For: "gateway", Holds: most}
	if role == limits.Both {
		w.For = "both"
	}
	fit := p.machine.Fit(limits.Demand{Conns: n, Role: role})
	for _, c := range fit.Checks {
		if c.Kind == limits.Machine && c.Name != "memory" && c.Holds < w.Holds {
			w.Name, w.Holds = c.Name, c.Holds
		}
	}
	room := float64(p.machine.Memory.Room() - spare)
	if holds := p.largest(func(d *Prediction) bool { return d.bytes(role) <= room }, fit.PerProcess); holds < w.Holds {
		w.Name, w.Holds = "memory", holds
	}
	processors := p.machine.CPUs * usable
	if holds := p.largest(func(d *Prediction) bool { return d.cores(role) <= processors }, fit.PerProcess); holds < w.Holds {
		w.Name, w.Holds = "cpu", holds // as the doctor names it
	}
	w.Fits = n <= w.Holds
	return w
}

// bytes returns what must be in memory, taken as the upper ends of the intervals.
func (d *Prediction) bytes(role limits.Role) float64 {
	if role == limits.Gateway {
		return d.User.High + d.End.High
	}
	return d.User.High + 2*d.End.High + d.Swarm.High
}

// cores returns what is expected to be busy.
func (d *Prediction) cores(role limits.Role) float64 {
	if role == limits.Gateway {
		return d.Cores.Value
	}
	return d.Cores.Value + d.Client.Value
}

// largest returns the most connections for which ok holds, each process taking at most so many.
func (p *Planner) largest(ok func(*Prediction) bool, each int) int {
	return sort.Search(most, func(i int) bool {
		n := i + 1
		w := int(math.Ceil(float64(n) / float64(max(1, each))))
		d := p.need(n, w, w, p.rate())
		return !ok(&d)
	})
}
