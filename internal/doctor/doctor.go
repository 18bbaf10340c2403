// Package doctor answers whether this machine can hold N connections, which limit would be the first in the way, and what
// to do about each that is too low.
//
// Quantities and what N connections need of them come from internal/limits; the doctor adds what is a trap rather than a
// bound (pressure, swap, buffers, huge pages, kernel features), what breaks first if a limit stays, and what popular
// advice about it gets wrong. It changes nothing. README.md beside this file describes the JSON form.
package doctor

import (
	"cmp"
	"math"
	"slices"

	"tickgate/internal/limits"
)

// Question is what the doctor is asked.
type Question struct {
	limits.Demand

	// SndBuf is the gateway's --sndbuf in bytes, 0 if the kernel sizes send buffers. It bounds what a client that does
	// not read can hold.
	SndBuf int64
	// Port is the gateway's public port. If something listens there, its backlog is looked at. 0 looks at none.
	Port uint16
}

// Report is the answer.
type Report struct {
	Question Question
	Kernel   string  // release
	CPUs     float64 // that may be used
	Room     int64   // bytes of memory that may still be taken
	Findings []Finding
	Fit      limits.Fit
	Fits     bool // all connections can be held, if need be in several processes, and served at the rate

	First   Wall // the lowest of the three below
	Process Wall // where one process stops
	Machine Wall // where this machine stops, however many processes there are
	Pace    Wall // where the processors cannot keep up any more; no Name if no rate was asked about
}

// Wall is a limit and the number of connections at which it stops more. No Name means that there is none.
type Wall struct {
	Name  string
	Kind  limits.Kind
	Holds int
}

// Examine compares the machine with the question.
func Examine(s *limits.Snapshot, f *Facts, q Question) *Report {
	q.Conns = max(q.Conns, 1)
	fit := s.Fit(q.Demand)
	r := &Report{
		Question: q, Kernel: f.Kernel, CPUs: s.CPUs, Room: s.Memory.Room(), Fit: fit,
		Process: wall(&fit, limits.Process), Machine: wall(&fit, limits.Machine), Pace: wall(&fit, limits.Pace),
	}
	r.First = slices.MinFunc([]Wall{r.Process, r.Machine, r.Pace}, func(a, b Wall) int { return cmp.Compare(a.Holds, b.Holds) })
	r.Fits = min(r.Machine.Holds, r.Pace.Holds) >= q.Conns
	for _, c := range fit.Checks {
		r.Findings = append(r.Findings, fromCheck(c, &fit))
	}
	x := &examination{machine: s, facts: f, question: q, fit: &fit}
	r.Findings = append(r.Findings, x.traps()...)
	// The worst comes first, and of equals the one that stops earliest.
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		if a.State >= OK && b.State >= OK {
			return 0
		}
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Holds, b.Holds))
	})
	return r
}

func wall(fit *limits.Fit, k limits.Kind) Wall {
	c := fit.Wall(k)
	return Wall{Name: c.Name, Kind: k, Holds: c.Holds}
}

// Finding returns the finding with a name, and whether there is one.
func (r *Report) Finding(name string) (Finding, bool) {
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Name == name })
	if i < 0 {
		return Finding{}, false
	}
	return r.Findings[i], true
}

// unbounded is what Holds is for a limit that is in nobody's way.
const unbounded = math.MaxInt
