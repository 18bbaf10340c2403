package report

import "fmt"

// Split says who the time belongs to: the server, the kernel or the swarm.
//
// A message's latency has three parts. What passes from its intended time to its first delivery is the server's delay
// before it sends. From there to its own delivery it waits for the sends to the others: the server's code and, mostly,
// the kernel's TCP. What has arrived then waits until the swarm reads it. The first two are taken from ticks, the third
// from the swarm's loops; each is measured for itself, so they need not add up to the latency's percentiles.
type Split struct {
	Before Quantiles `json:"server_before_first"` // intended time to first delivery
	FanOut Quantiles `json:"fanout"`              // first to last delivery of a tick
	Swarm  Quantiles `json:"swarm"`               // ready to read

	// Processor time while holding, as shares of all processors. Kernel work done in an interrupt for whoever is
	// running (SoftIRQ) is inside the other shares on loopback.
	ServerUser   float64 `json:"cpu_server_user"`
	ServerKernel float64 `json:"cpu_server_kernel"`
	SwarmUser    float64 `json:"cpu_swarm_user"`
	SwarmKernel  float64 `json:"cpu_swarm_kernel"`
	SoftIRQ      float64 `json:"cpu_softirq"`
	Idle         float64 `json:"cpu_idle"`
	Steal        float64 `json:"cpu_steal"` // taken by the hypervisor

	Bottleneck bool   `json:"swarm_was_bottleneck"`
	Verdict    string `json:"verdict"`
}

// When the swarm counts as the bottleneck.
const (
	// lagShare is the part of the latency's p99 that the swarm's own lag may be, and lagFloor the lag in milliseconds
	// that is never worth a word: a loop reads a batch of 128 sockets in 0.3 ms.
	lagShare = 0.25
	lagFloor = 2.0
	// busyShare is how busy a loop may be. Above it, messages queue in the swarm.
	busyShare = 0.85
	// idleShare is how much of the processors must be free for the machine not to be called saturated.
	idleShare = 0.05
	// othersShare is how much of the processors other programs may use before the reader must know.
	othersShare = 0.1
)

func split(run *Run, r *Report) Split {
	s := Split{Before: r.Ticks.First, FanOut: r.Ticks.Spread, Swarm: r.Swarm.Lag}
	full, end := run.Full, run.End
	all := run.Phases.Hold * float64(max(r.Environment.CPUs, 1))
	s.ServerUser, s.ServerKernel = per(end.Server.User-full.Server.User, all), per(end.Server.System-full.Server.System, all)
	s.SwarmUser, s.SwarmKernel = per(end.Self.User-full.Self.User, all), per(end.Self.System-full.Self.System, all)
	s.SoftIRQ = per(end.Kernel.SoftIRQ-full.Kernel.SoftIRQ, all)
	s.Idle = per(end.Kernel.Idle-full.Kernel.Idle, all)
	s.Steal = per(end.Kernel.Steal-full.Kernel.Steal, all)
	s.Bottleneck, s.Verdict = verdict(&s, r)
	return s
}

// Others is what other programs used of the processors, as far as it can be told: interrupts may be counted to anybody.
func (s *Split) Others() float64 {
	return max(1-s.ServerUser-s.ServerKernel-s.SwarmUser-s.SwarmKernel-s.SoftIRQ-s.Idle-s.Steal, 0)
}

// verdict says in a sentence what held the messages up, and whether that is a reason to doubt the result: if the swarm was too slow, stopped or held up by
// other programs. Where it waits for processors that the server takes, messages wait for the swarm to read them as they would for the server to send them; that is a
// remark about the machine. So equal runs get equal verdicts, whichever of the two the kernel lets go first.
func verdict(s *Split, r *Report) (swarm bool, text string) {
	lag := r.Swarm.Lag.P99
	held := fmt.Sprintf("the swarm held messages up by %.1f ms (p99)", lag)
	lagging := lag > max(lagFloor, lagShare*r.Latency.P99)
	others := s.Others() + s.Steal
	switch {
	case r.Messages.PerSecond == 0:
		return false, "no messages arrived while holding"
	case r.Swarm.LoopBusy > busyShare:
		return true, fmt.Sprintf("the swarm was the bottleneck: its loops were busy %.0f %% of the time; "+
			"the server may be faster than this says", 100*r.Swarm.LoopBusy)
	case lagging && s.Idle < idleShare && s.Others() > mostly:
		return true, held + " because other programs left no processor free"
	case lagging && s.Idle < idleShare:
		return true, held + " because no processor was free: server and swarm share too few"
	case lagging && !swarmBound(r) && (burstIsServers(r) || lag <= prompt && others <= othersShare):
		return false, fmt.Sprintf("the swarm was not the bottleneck: of %.1f ms (p99), messages waited up to %.1f ms to be read", r.Latency.P99, lag)
	case lagging && (swarmBound(r) || others <= othersShare):
		return true, fmt.Sprintf("%s of %.1f ms, and not for the server's work; give it more --loops or a machine of its own", held, r.Latency.P99)
	case lagging:
		return true, fmt.Sprintf("%s of %.1f ms; other programs took %.0f %% of the processors", held, r.Latency.P99, 100*others)
	case s.Idle < idleShare:
		return false, "the machine's processors were saturated"
	}
	return false, fmt.Sprintf("the swarm was not the bottleneck: it held messages up by %.1f ms (p99) of %.1f ms", lag, r.Latency.P99)
}

// swarmBound reports whether the swarm reads more slowly than the server sends: its loops are busy, over the whole hold or in the burst of a tick, or they
// take most of what the processors give in a burst. Without the server's processes there is nobody else to be slow.
func swarmBound(r *Report) bool {
	if r.Server == nil || r.Swarm.LoopBusy > busyShare {
		return true
	}
	b, known := burstOf(r)
	return known && (r.Swarm.LoopBusy/b.part() > busyShare || b.share() >= burstShare && b.swarm > b.server)
}

// burstIsServers reports whether the delivery of a tick takes the processors, and most of it is the server's work.
func burstIsServers(r *Report) bool {
	b, known := burstOf(r)
	return known && b.share() >= burstShare && b.server >= b.swarm
}
