package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"runtime"

	"tickgate/internal/limits"
	"tickgate/internal/load"
)

// plan is what the swarm will do, after a look at the targets and at this machine.
type plan struct {
	conns  int           // that fit
	asked  int           // that were asked for
	limit  string        // what stood in the way of more; empty if nothing did
	parts  []load.Config // one for every client process
	nofile int64
	ports  string
	role   limits.Role // Both if the server is on this machine
	notes  []string
}

// prepare looks at targets and limits. What does not fit is told on stderr.
func prepare(ctx context.Context, o *options, stderr io.Writer) (*plan, error) {
	if err := load.Resolve(ctx, o.client.Targets); err != nil {
		return nil, err
	}
	nofile, err := limits.RaiseNofile(int64(o.conns) + limits.ReserveFiles)
	if err != nil {
		return nil, err
	}
	snapshot, err := limits.Read("/")
	if err != nil {
		return nil, err
	}
	p := &plan{nofile: nofile, ports: fmt.Sprintf("%d-%d", snapshot.TCP.PortLow, snapshot.TCP.PortHigh)}
	fit := fitted(snapshot, o)
	p.conns, p.asked, p.limit, p.role = fit.Conns, o.conns, fit.WhyFewer(), fit.Demand.Role
	if p.asked == 0 {
		p.asked = fit.Conns
		p.limit = fmt.Sprintf("--conns auto takes %d: %s", fit.Conns, fit.Wall(limits.Machine))
	}
	if p.conns < 1 {
		return nil, fmt.Errorf("no connection fits this machine: %s", p.limit)
	}
	for _, line := range []string{p.limit, fit.WhyWorkers()} {
		if line != "" {
			fmt.Fprintf(stderr, "swarm: %s\n", line)
			p.notes = append(p.notes, line)
		}
	}
	processes := fit.Clients
	if o.processes > 0 {
		processes = o.processes
	}
	p.parts = divide(o, p.conns, processes)
	for i := range o.client.Targets {
		if err := load.Probe(ctx, &p.parts[0], &o.client.Targets[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// fitted compares the machine with what was asked for.
func fitted(s *limits.Snapshot, o *options) limits.Fit {
	d := limits.Demand{Conns: o.conns, Role: limits.Swarm, Sources: len(o.client.Sources)}
	target := o.client.Targets[0].Addr.Addr()
	switch {
	case target.IsLoopback():
		d.Role = limits.Both
	case d.Sources == 0:
		d.Sources = 1
	}
	if target.Is6() && d.Sources == 0 {
		d.Sources = 1 // there is only one ::1
	}
	if d.Conns == 0 {
		d.Conns = s.Fit(d).Machine
	}
	return s.Fit(d)
}

// clientsPerLoop is how many clients are worth an event loop of their own: one more wakes up as often again for the
// same messages. A loop that is not in the way of anything reads 300,000 messages a second.
const clientsPerLoop = 20_000

// quotient divides and rounds up.
func quotient(n, by int) int { return (n + by - 1) / by }

// loopsFor returns how many event loops each of the processes runs for its part of n clients.
func loopsFor(o *options, n, processes int) int {
	loops := quotient(runtime.NumCPU(), processes)
	if o.client.Rate == 0 { // connecting as fast as can be takes all processors
		return loops
	}
	return min(loops, quotient(n, processes*clientsPerLoop))
}

// divide gives every process its part of n clients.
func divide(o *options, n, processes int) []load.Config {
	processes = min(max(processes, 1), n)
	loops := o.loops
	if loops == 0 {
		loops = loopsFor(o, n, processes)
	}
	sources := load.Sources(o.client.Sources, o.client.Targets[0].Addr, n)
	parts := make([]load.Config, processes)
	for i := range parts {
		part := o.client
		part.Total, part.First = n, i*n/processes
		part.Count = (i+1)*n/processes - part.First
		part.Rate, part.Churn = part.Rate/float64(processes), part.Churn/float64(processes)
		part.Absence.Rate /= float64(processes)
		part.Loops, part.Sources = loops, turned(sources, i)
		parts[i] = part
	}
	return parts
}

// turned returns s beginning with element i, so that processes do not all take the same address first.
func turned(s []netip.Addr, i int) []netip.Addr {
	if len(s) == 0 {
		return nil
	}
	i %= len(s)
	return append(append([]netip.Addr{}, s[i:]...), s[:i]...)
}

// ends returns how many ends of each connection are on this machine.
func (p *plan) ends() int {
	if p.role == limits.Both {
		return 2
	}
	return 1
}
