package planner

import (
	"errors"
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"tickgate/internal/limits"
	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
)

// Range is a number with what encloses it at 95 % confidence.
type Range struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

func (r Range) plus(o Range) Range { return Range{r.Value + o.Value, r.Low + o.Low, r.High + o.High} }

func (r Range) times(f float64) Range { return Range{r.Value * f, r.Low * f, r.High * f} }

// Prediction is what a number of connections needs.
type Prediction struct {
	Conns   int     `json:"conns"`
	Rate    float64 `json:"messages_per_conn_per_second"`
	Workers int     `json:"server_workers"`   // beside a supervisor if there is more than one
	Clients int     `json:"client_processes"` // of the swarm
	Files   int     `json:"descriptors"`      // of all the server's processes, with their reserves

	User   Range `json:"user_bytes"`            // of the server's processes
	End    Range `json:"kernel_bytes_per_side"` // kernel objects of all the ends of one side
	Swarm  Range `json:"clients_bytes"`         // of the swarm's processes; 0 if they were not measured
	Cores  Range `json:"server_cores"`
	Client Range `json:"client_cores"`

	// Pass is the least time in milliseconds in which a message reaches everybody: the processor time of all sends, divided over the processors.
	Pass Range `json:"pass_floor_ms"`

	// Walls says what this machine runs out of first, for the server alone and for both sides.
	Walls []Wall `json:"walls"`
}

// Wall is what a machine runs out of first.
type Wall struct {
	For   string `json:"for"` // gateway or both
	Name  string `json:"name"`
	Holds int    `json:"holds"` // connections
	Fits  bool   `json:"fits"`  // the predicted number is within it
}

// Planner predicts from one run. Safe for concurrent use.
type Planner struct {
	run     *report.Report
	machine *limits.Snapshot
	user    memory
	kernel  slope // for both ends, if both were here
	clients memory
	server  price
	client  price
	notes   []string
}

// leastRun is how many connections a run should have for a prediction: of fewer, the slope of memory is within the steps in which memory grows, and a
// second's work for messages is near what processes do without any.
const leastRun = 10_000

// New reads a run's report. machine is where the connections are to be held. Errors name what the report lacks.
func New(run *report.Report, machine *limits.Snapshot) (*Planner, error) {
	p := &Planner{run: run, machine: machine, notes: []string{
		"kernel memory is that of the sockets; a message on its way or unread takes a page (4 KiB) of a connection's besides",
	}}
	if run.Cost == nil || run.Server == nil || len(run.Cost.Processes) == 0 {
		return nil, errors.New("the report has no memory of the server over the ramp; run the swarm on the server's machine, or with --pid")
	}
	if run.Connections.Connected == 0 || run.Messages.PerSecond <= 0 {
		return nil, errors.New("the report's clients got no messages while holding; give the server a feed and the swarm a --hold")
	}
	if n := run.Connections.Connected; n < leastRun {
		p.notes = append([]string{fmt.Sprintf("the run had only %s connections, and a prediction from so few is rough: make a ramp of %s or more, with --rate 2000",
			humanize.Comma(int64(n)), humanize.Comma(leastRun))}, p.notes...)
	}
	pss := run.Cost.Line(cost.PSS)
	if pss == nil || !pss.Known {
		pss = run.Cost.Line(cost.RSS)
	}
	if pss == nil || !pss.Known {
		return nil, fmt.Errorf("the server's memory has no slope: %s; make a ramp of 10,000 connections or more with --rate 2000", note(pss))
	}
	p.kernel = p.kernelSlope()
	p.user, p.clients = p.serverMemory(slopeOf(pss)), p.clientMemory()
	p.server = priceOf(run, run.Server.Cores, len(run.Cost.Processes), 0)
	p.client = priceOf(run, run.Swarm.Cores, run.Cost.Swarm, conducting)
	return p, nil
}

// Notes says what a reader of the predictions must know.
func (p *Planner) Notes() []string { return p.notes }

func note(l *cost.Line) string {
	if l == nil {
		return "it was not sampled"
	}
	return l.Note
}

// Predict returns what n connections need if each gets as many messages as in the run, and the processes are as many as the descriptors demand.
func (p *Planner) Predict(n int) Prediction {
	fit := p.machine.Fit(limits.Demand{Conns: n, Role: limits.Both})
	workers, clients := processes(n, fit.PerProcess, fit.Workers), processes(n, fit.PerProcess, fit.Clients)
	d := p.need(n, workers, clients, p.rate())
	for _, role := range []limits.Role{limits.Gateway, limits.Both} {
		d.Walls = append(d.Walls, p.wall(role, n))
	}
	return d
}

// processes returns how many hold n connections. Fit has answered for as many as the machine holds, which may be fewer.
func processes(n, each, fitted int) int {
	if least := int(math.Ceil(float64(n) / float64(max(1, each)))); fitted < least {
		return least
	}
	return fitted
}

// rate is how many messages a second a connection of the run got.
func (p *Planner) rate() float64 {
	return p.run.Messages.PerSecond / float64(p.run.Connections.Connected)
}

// need is what n connections take in so many processes.
func (p *Planner) need(n, workers, clients int, rate float64) Prediction {
	conducted := clients
	if clients > 1 {
		conducted++ // the process that conducts them
	}
	d := Prediction{
		Conns: n, Rate: rate, Workers: workers, Clients: clients,
		Files:  n + workers*limits.ReserveFiles,
		User:   p.user.at(n, workers),
		End:    p.kernel.times(float64(n) / float64(p.run.Cost.Ends)),
		Swarm:  p.clients.at(n, clients),
		Cores:  p.server.cores(n, rate, withSupervisor(workers)),
		Client: p.client.cores(n, rate, conducted),
	}
	d.Pass = p.server.message(n).times(float64(n) * 1000 / max(1, p.machine.CPUs))
	return d
}

func withSupervisor(workers int) int {
	if workers > 1 {
		return workers + 1
	}
	return workers
}
