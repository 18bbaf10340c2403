package planner

import (
	"math"

	"tickgate/internal/load/cost"
)

// slope is bytes per connection.
type slope = Range

func slopeOf(l *cost.Line) slope { return slope{l.BytesPerConn, max(0, l.Low), l.High} }

// memory is a model of what processes hold.
type memory struct {
	shared     float64 // once, however many processes there are
	supervisor float64 // of the process above several workers
	worker     Range   // of one worker with so many connections
	conns      float64
	each       slope
	// phase is the standard deviation of a process for the moment at which it is looked at: its heap is anywhere between what is live and twice that.
	phase   float64
	workers float64 // of the run
}

const (
	// emptyWorker is what a worker holds beside its connections, for runs of a single process, which do not tell. Measured on six workers before the
	// first connection: 4.5 to 5.3 MB that they share with nobody.
	emptyWorker = 5 << 20
	// kernelMargin is how much two ramps to 20,000 in the same hour differed by, on a machine with other work: kernel objects of other programs, and
	// pages that are not full. The lines' intervals know of neither.
	kernelMargin = 0.05
	// emptyWorkerMargin is half the interval for it.
	emptyWorkerMargin = 2 << 20
)

// serverMemory takes the server's processes apart.
func (p *Planner) serverMemory(each slope) memory {
	c := p.run.Cost
	m := memory{each: each, phase: p.phase()}
	var top, all float64
	for _, proc := range c.Processes {
		own := float64(proc.Own)
		if proc.Own == 0 {
			own = float64(proc.After)
		}
		m.shared += float64(proc.After) - own
		all += own
		if proc.Top {
			top += own
		} else {
			m.workers++
		}
	}
	n := float64(p.run.Connections.Connected)
	if m.workers == 0 {
		m.single(c, all, n)
		p.notes = append(p.notes, "the run's server was a single process: what further workers hold is assumed, not measured")
		return m
	}
	m.supervisor, m.conns = top, n/m.workers
	m.worker = certain((all - top) / m.workers)
	return m
}

// single makes the model of a server that was one process with n connections. As a supervisor of others it would hold what it held before the first.
func (m *memory) single(c *cost.Cost, own, n float64) {
	m.workers, m.conns = 1, n
	before := float64(c.Processes[0].Before) - m.shared
	m.supervisor = min(before, own)
	grown := own - m.supervisor
	m.worker = Range{grown + emptyWorker, grown + emptyWorker - emptyWorkerMargin, grown + emptyWorker + emptyWorkerMargin}
}

func certain(v float64) Range { return Range{v, v, v} }

// phase is the standard deviation of a value that lies anywhere between the live heap of a process and its double.
func (p *Planner) phase() float64 {
	live := p.run.Cost.Line(cost.Live)
	if live == nil || !live.Known {
		p.notes = append(p.notes, "without --admin the collector's phase is not known, and the interval of user space is too narrow")
		return 0
	}
	all := live.Fixed + live.BytesPerConn*float64(p.run.Connections.Connected)
	return max(0, all) / float64(len(p.run.Cost.Processes)) / math.Sqrt(12)
}

// clientMemory is the model of the swarm's processes, which are all alike but the one that conducts them.
func (p *Planner) clientMemory() memory {
	l := p.run.Cost.Line(cost.Clients)
	if l == nil || !l.Known || p.run.Cost.Swarm == 0 {
		return memory{}
	}
	n, workers := float64(p.run.Connections.Connected), float64(max(1, p.run.Cost.Swarm-1))
	held := (l.Fixed + l.BytesPerConn*n) / float64(p.run.Cost.Swarm)
	m := memory{supervisor: held, worker: certain(held), conns: n / workers, each: slopeOf(l), workers: workers}
	if p.run.Cost.Swarm == 1 {
		m.supervisor = l.Fixed
	}
	return m
}

// at returns what n connections take in so many workers.
func (m *memory) at(n, workers int) Range {
	if m.workers == 0 {
		return Range{}
	}
	w := float64(workers)
	r := certain(m.shared)
	if workers > 1 {
		r = r.plus(certain(m.supervisor))
	}
	worker := m.worker
	if m.workers == 1 && workers == 1 && worker.High > worker.Low { // a single process again: nothing is assumed
		worker = certain(worker.Value - emptyWorker + m.supervisor)
	}
	more := m.each.times(float64(n) - w*m.conns)
	if more.Low > more.High {
		more.Low, more.High = more.High, more.Low
	}
	r = r.plus(worker.times(w))
	// Processes are looked at in independent phases; the workers of the run were so too, and what they say is multiplied.
	phase := 2 * m.phase * math.Sqrt(w+w*w/m.workers)
	r.Value += more.Value
	r.Low = r.Value - math.Hypot(math.Hypot(more.Value-more.Low, phase), worker.times(w).Value-worker.times(w).Low)
	r.High = r.Value + math.Hypot(math.Hypot(more.High-more.Value, phase), worker.times(w).High-worker.times(w).Value)
	return r
}

// kernelSlope is what all ends of a connection that are on the run's machine take in the kernel.
func (p *Planner) kernelSlope() slope {
	l := p.run.Cost.Line(cost.Objects)
	if l == nil || !l.Known {
		l = p.run.Cost.Line(cost.Slab)
		p.notes = append(p.notes, "the swarm did not run as root, and so kernel memory has in it what all programs of the machine did meanwhile")
	}
	if l == nil || !l.Known {
		p.notes = append(p.notes, "kernel memory has no slope: "+note(l))
		return slope{}
	}
	s := slopeOf(l)
	return slope{s.Value, s.Low - kernelMargin*s.Value, s.High + kernelMargin*s.Value}
}
