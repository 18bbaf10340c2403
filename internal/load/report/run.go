package report

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tickgate/internal/load"
	"tickgate/internal/load/cost"
	"tickgate/internal/load/sample"
)

// Mark is what was read at one moment of a run.
type Mark struct {
	At     time.Time
	Swarm  *load.Stats
	Self   sample.Usage
	Server sample.Usage   // nothing if its processes are unknown
	Pages  sample.Metrics // nil without --admin
	Kernel sample.Kernel
}

// Run is the material of a report.
type Run struct {
	Environment Environment
	Plan        Plan
	Phases      Phases
	Loops       int // of all processes of the swarm
	PIDs        []int

	Begin Mark        // before the first connect
	Full  Mark        // when everybody was connected, or nobody else would be
	End   Mark        // at the end of holding
	Final *load.Stats // after settling
	Ticks TickBook    // with all of Stats
	Away  AwayBook    // with all of Stats while holding
	Suspects
	Notes []string
	Told  []string   // Notes that were printed during the run; the table leaves them out
	Cost  *cost.Cost // nil if memory was not sampled
	Series
}

// New computes the report.
func New(run *Run) *Report {
	r := &Report{
		Schema: Schema, Started: run.Begin.At, Environment: run.Environment, Plan: run.Plan, Phases: run.Phases,
		Connections: run.connections(),
		Latency:     quantiles(run.Final.Hold[:]...),
		RampLatency: quantiles(run.Final.Ramp[:]...),
		Notes:       run.Notes, told: run.Told, Series: run.Points, Heat: run.heat.summary(), Curves: run.curves(),
	}
	r.Phases.Zero, r.Phases.HoldFrom, r.Phases.HoldTo = run.begin, run.second(run.Full.At), run.second(run.End.At)
	r.Messages = run.messages(run.Final.Sum(), run.Full.Swarm.Sum(), run.End.Swarm.Sum())
	for t := range load.Transport(load.Transports) {
		if run.Final.ByTransport[t].Dialed > 0 {
			r.Transports = append(r.Transports, run.transport(t))
		}
	}
	r.Ticks, r.TickRows = run.Ticks.summary()
	r.Blame = run.judge(r.TickRows, r.Ticks.Count)
	r.TickRows = r.TickRows[max(0, len(r.TickRows)-maxRows):]
	for i := range r.TickRows {
		r.TickRows[i].At = run.second(time.Unix(0, r.TickRows[i].at))
	}
	r.Ticks.Newest, r.Ticks.Behind = run.Final.Newest.Seq, run.Final.Behind
	r.Ticks.ExpectedBy = run.End.Swarm.Connected() - run.End.Swarm.Slow
	if n := r.Plan.Topics; n > 0 {
		r.Ticks.ExpectedBy = r.Ticks.ExpectedBy * r.Plan.PerClient / n
	}
	r.Server, r.Gateway, r.Kernel, r.Swarm = run.server(), run.gateway(), run.kernel(), run.swarm()
	r.Away = run.away()
	r.Split = split(run, r)
	r.Cost = run.Cost
	if others := r.Split.Others(); len(run.PIDs) > 0 && others > othersShare {
		r.Notes = append(r.Notes, fmt.Sprintf("other programs used %.0f %% of the processors while holding; without them the numbers would be better",
			100*others))
	}
	r.Summary = summarise(r)
	return r
}

func (run *Run) connections() Connections {
	sum, ramp := run.Final.Sum(), run.Full.Swarm.Sum()
	f := &run.Final.Faults
	c := Connections{
		Connected: run.End.Swarm.Connected(), AfterRamp: run.afterRamp(),
		Dialed: sum.Dialed, Opened: sum.Opened, Disconnects: sum.Disconnects, Left: run.End.Swarm.Sum().Left,
		Hinted: sum.Hinted, Resumed: sum.Resumed, GaveUp: run.End.Swarm.GaveUp,
		Statuses: f.Statuses, CloseCodes: f.CloseCodes,
		PerSecond: per(float64(ramp.Opened), run.Phases.Ramp),
		Connect:   quantiles(run.Final.Connect), Handshake: quantiles(run.Final.Handshake),
	}
	for kind, n := range f.ByKind {
		if n > 0 {
			if c.Failures == nil {
				c.Failures = make(map[string]int64)
			}
			c.Failures[load.Failure(kind).String()] = n
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(f.Examples)) {
		example := kind.String() + ": " + sample.RedactExample(f.Examples[kind])
		if remedy := kind.Remedy(); remedy != "" {
			example += "; " + remedy
		}
		c.Examples = append(c.Examples, example)
	}
	return c
}

// afterRamp returns how many were connected when the ramp was over. The swarm's counters of that moment are read when
// holding has begun already: who has left since, as churn wants it, had got connected.
func (run *Run) afterRamp() int {
	s := run.Full.Swarm
	return max(s.Connected(), min(s.Connected()+int(s.Sum().Left), run.Plan.Planned))
}

// messages reports the counts of the whole run, and the rate between two moments of it.
func (run *Run) messages(final, full, end load.Tally) Messages {
	return Messages{
		Received: final.Messages, Bytes: final.Bytes,
		PerSecond: per(float64(end.Messages-full.Messages), run.Phases.Hold),
		Lost:      final.Lost, Conflated: final.Conflated, Duplicates: final.Duplicates, Reordered: final.Reordered,
		Missed: final.Missed, Gaps: final.Gaps, Strays: final.Strays, Backward: final.Backward,
		Untimed: final.Untimed, Untracked: final.Untracked,
		Replayed: final.Replayed, Skewed: final.Skewed, Pings: final.Pings,
		Ramp: Judged{full.Lost, full.Conflated, full.Duplicates, full.Reordered},
	}
}

func (run *Run) transport(t load.Transport) Transport {
	return Transport{
		Name: t.String(), Connected: run.End.Swarm.Open[t],
		Messages: run.messages(run.Final.ByTransport[t], run.Full.Swarm.ByTransport[t], run.End.Swarm.ByTransport[t]),
		Latency:  quantiles(run.Final.Hold[t]),
	}
}

// held returns how many messages came while holding.
func (run *Run) held() float64 {
	return float64(run.End.Swarm.Sum().Messages - run.Full.Swarm.Sum().Messages)
}

// per divides, and gives 0 where there is nothing to divide by.
func per(x, n float64) float64 {
	if n <= 0 {
		return 0
	}
	return x / n
}

const micro = 1e6 // microseconds in a second
