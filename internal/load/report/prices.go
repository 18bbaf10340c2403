package report

import "tickgate/internal/load"

// server computes what the server's processes cost.
func (run *Run) server() *Server {
	if len(run.PIDs) == 0 || run.End.Server.Processes == 0 {
		return nil
	}
	before, full, after := run.Begin.Server, run.Full.Server, run.End.Server
	if full.CPU() < before.CPU() || after.CPU() < full.CPU() {
		return nil // other processes than at the start: their clocks began anew
	}
	held, conns := run.held(), float64(run.End.Swarm.Connected())
	s := &Server{
		PIDs: run.PIDs, Before: before.PSS, After: after.PSS, RSSBefore: before.RSS, RSSAfter: after.RSS, Measure: "pss",
		Cores:    per(after.CPU()-full.CPU(), run.Phases.Hold),
		User:     per(micro*(after.User-full.User), held),
		System:   per(micro*(after.System-full.System), held),
		RampCPU:  per(micro*(full.CPU()-before.CPU()), float64(run.Full.Swarm.Sum().Opened)),
		Waiting:  after.Waiting - full.Waiting,
		Switches: after.Involuntary - full.Involuntary,
	}
	s.CPU = s.User + s.System
	s.Reconnects = per(s.RampCPU*float64(run.reconnects()), held)
	s.PerConn = per(float64(after.PSS-before.PSS), conns)
	if before.PSS == 0 || after.PSS == 0 {
		s.Measure, s.PerConn = "rss", per(float64(after.RSS-before.RSS), conns)
	}
	return s
}

// gateway computes what the page of metrics says.
func (run *Run) gateway() *Gateway {
	before, full, after := run.Begin.Pages, run.Full.Pages, run.End.Pages
	if before == nil || full == nil || after == nil {
		return nil
	}
	if started := "process_start_time_seconds"; before[started] != after[started] {
		return nil // other processes: their counters began anew
	}
	heap := []string{"go_memstats_heap_alloc_bytes", "go_gc_heap_live_bytes"}
	h0, _ := before.First(heap...)
	h1, _ := after.First(heap...)
	goroutines, _ := after.First("go_goroutines")
	earlier, _ := before.First("tickgate_accepts_total")
	since := func(names ...string) float64 {
		a, _ := full.First(names...)
		b, _ := after.First(names...)
		return b - a
	}
	return &Gateway{
		HeapBefore: int64(h0), HeapAfter: int64(h1), PerConn: per(h1-h0, float64(run.End.Swarm.Connected())),
		GCCycles:   since("go_gc_cycles_total_gc_cycles_total", "go_gc_duration_seconds_count"),
		GCCPU:      since("go_cpu_classes_gc_total_cpu_seconds_total"),
		Goroutines: goroutines, CPU: per(micro*since("process_cpu_seconds_total"), run.held()), Earlier: earlier,
	}
}

func (run *Run) kernel() Kernel {
	before, after := run.Begin.Kernel, run.End.Kernel
	grown := after.Slab - before.Slab + after.Queues - before.Queues
	return Kernel{
		SlabBefore: before.Slab, SlabAfter: after.Slab, QueueBefore: before.Queues, QueueAfter: after.Queues,
		PerConn: per(float64(grown), float64(run.End.Swarm.Connected())),
		Sockets: after.Sockets, TimeWait: after.TimeWait,
	}
}

func (run *Run) swarm() Swarm {
	full, after, held := run.Full.Self, run.End.Self, run.held()
	s := Swarm{
		Reconnects: run.reconnects(), Processes: after.Processes, RSS: after.RSS,
		Cores:    per(after.CPU()-full.CPU(), run.Phases.Hold),
		User:     per(micro*(after.User-full.User), held),
		System:   per(micro*(after.System-full.System), held),
		LoopBusy: per((run.End.Swarm.Busy - run.Full.Swarm.Busy).Seconds(), run.Phases.Hold*float64(run.Loops)),
		Lag:      quantiles(lag(run)),
		Waiting:  after.Waiting - full.Waiting,
		Switches: after.Involuntary - full.Involuntary,
	}
	s.CPU = s.User + s.System
	return s
}

// reconnects returns how many connections were opened while holding.
func (run *Run) reconnects() int64 { return run.End.Swarm.Sum().Opened - run.Full.Swarm.Sum().Opened }

// lag is the loops' lag while holding.
func lag(run *Run) load.Dist { return run.End.Swarm.Lag.Since(run.Full.Swarm.Lag) }
