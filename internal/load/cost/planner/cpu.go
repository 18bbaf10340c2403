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
	// A message is dearer with more connections, whose memory no cache holds, and the same machine is faster or slower by some percent from one hour to
	// the next. Between 15,000 and 100,000 connections it was 2 to 15 % dearer (docs/measurements.md).
	cheaper, dearer = 0.05, 0.20
	// conducting is what a swarm spends at most on reading counters and reporting, however many clients it has: measured as up to 30 ms a second. How much of
	// it a run has spent is not known, and so it lowers the low end of what a message may cost.
	conducting = 0.030
)

// price is what messages cost in processor time.
type price struct{ message Range } // seconds

// priceOf divides what was spent while holding, without what its processes spend idle. unsure is the part of it in cores that may be fixed as well.
func priceOf(run *report.Report, cores float64, processes int, unsure float64) price {
	messages := run.Messages.PerSecond
	each := max(0, cores-idleProcess*float64(processes)) / messages
	spread := secondsSpread(run)
	return price{Range{each, max(0, each*(1-cheaper-spread)-unsure/messages), each * (1 + dearer + spread)}}
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

// cores returns the processors that so many messages a second keep busy.
func (p price) cores(messages float64, processes int) Range {
	return p.message.times(messages).plus(certain(idleProcess * float64(processes)))
}
