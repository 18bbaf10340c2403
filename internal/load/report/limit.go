package report

import "fmt"

// When something is called the limit of a run.
const (
	// burstShare is how much of the processors the delivery of a tick may take, from its first message to its last, before they are what it waits for.
	burstShare = 0.6
	// fullShare is the part of the time between two ticks that the delivery of one may take before the next one is in its way.
	fullShare = 0.8
	// prompt is a p99 in milliseconds below which nobody asks what the limit is.
	prompt = 20.0
	// mostly is the part of the processors with which other programs are what a slow run is about.
	mostly = 0.5
)

// limit says what a run was limited by, or that nothing was at its limit, and why one can say so. The answer is the first that applies: the swarm, all
// processors over the whole hold, and the processors while a tick is delivered. The last are a limit of the run only if they leave no pause between
// ticks; otherwise they are what the latency of a tick is made of, and the pause says how much more would fit.
func limit(r *Report) (clause, because string) {
	s := &r.Split
	server, swarm := s.ServerUser+s.ServerKernel, s.SwarmUser+s.SwarmKernel
	shares := fmt.Sprintf("server %.0f %%, swarm %.0f %%, other programs %.0f %%, idle %.0f %%", 100*server, 100*swarm, 100*s.Others(), 100*s.Idle)
	burst, known := burstOf(r)
	switch {
	case r.Messages.PerSecond == 0 || r.Latency.Count == 0 || r.Connections.Connected == 0:
		return "", ""
	case s.Bottleneck && s.Idle >= idleShare && (swarmBound(r) || s.Others()+s.Steal <= othersShare):
		return "the swarm itself is the limit", s.Verdict
	case s.Idle < idleShare && s.Others() > server+swarm:
		return "other programs took the processors", "over the whole hold: " + shares
	case s.Idle < idleShare:
		return "the machine's processors are the limit", "over the whole hold: " + shares
	case r.Latency.P99 <= prompt:
		return "nothing was at its limit", fmt.Sprintf("the processors were idle %.0f %% of the time", 100*s.Idle)
	case s.Others() > max(server+swarm, mostly):
		return "other programs took the processors", "over the whole hold: " + shares
	case known && burst.share() >= burstShare && burst.part() < fullShare:
		return "nothing was at its limit: " + burst.brief(), burst.headroom(r)
	case known && burst.share() >= burstShare && burst.server >= burst.swarm:
		return "the server's CPU is the limit", burst.text()
	case known && burst.share() >= burstShare:
		return "the processors that server and swarm share are the limit", burst.text()
	case s.Before.Count > 0 && s.Before.P50 > r.Ticks.Spread.P50:
		return "ticks are late before the first is sent", fmt.Sprintf("a tick's first message is %s late, its last one %s later (p50)",
			Duration(s.Before.P50), Duration(r.Ticks.Spread.P50))
	}
	return "no processor was at its limit", "over the whole hold: " + shares
}
