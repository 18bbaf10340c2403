package planner

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
)

const (
	// idleProcess is the part of a processor that a Go process takes while nothing happens but timers, measured as 3 to 5 ms a second.
	idleProcess = 0.004
	// unsteady is how much faster or slower the same machine does the same from one hour to the next, as a part.
	unsteady = 0.05
	// conducting is what a swarm spends at most on reading counters and reporting, however many clients it has: measured as up to 30 ms a second. How much of
	// it a run has spent is not known, and so it lowers the low end of what a message may cost.
	conducting = 0.030
)

// doubling is by which part a message becomes dearer when the connections double, whose memory no cache holds. Between 15,000 and 100,000 connections it
// was 2 to 5 % on a quiet machine, and 1 to 9 % on one with other work (docs/measurements.md, Planner).
func doubling() Range { return Range{0.04, 0, 0.09} }

// price is what messages cost in processor time.
type price struct {
	each  Range   // seconds for a message
	conns float64 // that the run had
}

// priceOf divides what was spent while holding, without what its processes spend idle. unsure is the part of it in cores that may be fixed as well.
func priceOf(run *report.Report, cores float64, processes int, unsure float64) price {
	messages := run.Messages.PerSecond
	each := max(0, cores-idleProcess*float64(processes)) / messages
	spread := unsteady + secondsSpread(run)
	return price{
		each:  Range{each, max(0, each*(1-spread)-unsure/messages), each * (1 + spread)},
		conns: float64(run.Connections.Connected),
	}
}

// message returns the seconds for a message to one of n connections.
func (p price) message(n int) Range {
	doublings := max(0, math.Log2(float64(n)/p.conns))
	d := doubling().times(doublings)
	return Range{p.each.Value * (1 + d.Value), p.each.Low * (1 + d.Low), p.each.High * (1 + d.High)}
}

// secondsSpread is how sure the mean of the seconds of the hold is, as a part of it.
func secondsSpread(run *report.Report) float64 {
	var cores []float64
	for _, p := range run.Series {
		if p.At > run.Phases.HoldFrom && p.At <= run.Phases.HoldTo && p.Server > 0 {
			cores = append(cores, p.Server)
		}
	}
	const least = 5
	if len(cores) < least {
		return 0
	}
	mean, sd := stat.MeanStdDev(cores, nil)
	n := float64(len(cores))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1 + cost.Level) / 2)
	return t * sd / math.Sqrt(n) / mean
}

// cores returns the processors that n connections keep busy with so many messages a second to each, in so many processes.
func (p price) cores(n int, rate float64, processes int) Range {
	return p.message(n).times(float64(n) * rate).plus(certain(idleProcess * float64(processes)))
}
