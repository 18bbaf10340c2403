package planner

import (
	"errors"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
)

// Comparison is a prediction held against what was measured.
type Comparison struct {
	Name      string  `json:"name"`
	Unit      string  `json:"unit"`
	Predicted Range   `json:"predicted"`
	Measured  float64 `json:"measured"`
	Error     float64 `json:"error_percent"` // of the prediction, as a part of what was measured
	Inside    bool    `json:"inside"`        // the interval holds what was measured
}

// Units of comparisons.
const (
	UnitBytes  = "bytes"
	UnitCores  = "cores"
	UnitMillis = "ms"
)

// Compare predicts another run, with its connections, processes and messages a second, and holds the prediction against its report.
func (p *Planner) Compare(run *report.Report) ([]Comparison, error) {
	if run.Cost == nil || run.Server == nil || len(run.Cost.Processes) == 0 || run.Connections.Connected == 0 || run.Messages.PerSecond <= 0 {
		return nil, errors.New("the report to compare with lacks the server's memory, its processor time or messages while holding")
	}
	n := run.Connections.Connected
	d := p.need(n, workersOf(run.Cost), max(1, run.Cost.Swarm-1), run.Messages.PerSecond/float64(n))
	all := []Comparison{compared("user space", UnitBytes, d.User, held(run.Cost))}
	if grown, ok := objects(run.Cost, n); ok && p.kernel.Value > 0 {
		ends := float64(run.Cost.Ends)
		all = append(all, compared("kernel, each side", UnitBytes, d.End, grown/ends))
	}
	all = append(all,
		compared("server CPU", UnitCores, d.Cores, run.Server.Cores),
		compared("swarm CPU", UnitCores, d.Client, run.Swarm.Cores))
	return all, nil
}

func compared(name, unit string, r Range, measured float64) Comparison {
	c := Comparison{Name: name, Unit: unit, Predicted: r, Measured: measured, Inside: r.Low <= measured && measured <= r.High}
	if measured != 0 {
		c.Error = 100 * (r.Value - measured) / measured
	}
	return c
}

// workersOf returns how many processes held connections.
func workersOf(c *cost.Cost) (n int) {
	for _, proc := range c.Processes {
		if !proc.Top {
			n++
		}
	}
	return max(1, n)
}

// held is what the server's processes held at the end.
func held(c *cost.Cost) (sum float64) {
	for _, proc := range c.Processes {
		sum += float64(proc.After)
	}
	return sum
}

// objects returns what the kernel's objects have grown by from the first sample to the last, as the part that n connections are of the sockets that have
// come meanwhile.
func objects(c *cost.Cost, n int) (grown float64, ok bool) {
	var of []cost.Sample
	for _, s := range c.Samples {
		if _, ok := s.Bytes[cost.Objects]; ok {
			of = append(of, s)
		}
	}
	if len(of) < 2 {
		return 0, false
	}
	first, last := of[0], of[len(of)-1]
	sockets := float64(last.Sockets - first.Sockets)
	if sockets <= 0 {
		return 0, false
	}
	return float64(last.Bytes[cost.Objects]-first.Bytes[cost.Objects]) / sockets * float64(n*c.Ends), true
}
