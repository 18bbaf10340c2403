package blame

import "time"

// Cause is a part of a tick's way to its last client. Its text is the key of the part in JSON.
type Cause string

// The causes, in the order in which a message meets them.
const (
	// Feed is from the intended time to the offer to the bus. Of messages that others publish it is the time until the
	// bus stored them.
	Feed Cause = "feed"
	// Bus is from the offer to the arrival in the process that serves the client: stored, acknowledged, and sent on.
	Bus Cause = "bus"
	// Hub is from there until all event loops were told.
	Hub Cause = "hub"
	// Accepts is what the event loop spent on connections meanwhile: accepts, handshakes, reads.
	Accepts Cause = "accepts"
	// Other is what it spent on timers and on messages of other topics.
	Other Cause = "other"
	// Assist is what the collector made the loop do or wait for, at most: processor time is known for the process and shared
	// among its loops, and a loop that did not run while the collector demanded help counts as waiting for it.
	Assist Cause = "gc_assist"
	// FanOut is the sends to the subscribers.
	FanOut Cause = "fanout"
	// Pause is the collector's stop of the world.
	Pause Cause = "gc_pause"
	// OffCPU is that there was work but the loop's thread, or its whole process, did not run: no processor was free, or it
	// was stopped.
	OffCPU Cause = "off_cpu"
	// Kernel is from the end of the loop's sends to the arrival in the client's socket: queues, retransmissions, the network.
	Kernel Cause = "kernel_queue"
	// Swarm is how long the message lay readable before the swarm read it.
	Swarm Cause = "swarm"
	// Unexplained is what nobody has an account of.
	Unexplained Cause = "unexplained"
)

// Causes lists them in the order of a message's way.
var Causes = []Cause{Feed, Bus, Hub, Accepts, Other, Assist, FanOut, Pause, OffCPU, Kernel, Swarm, Unexplained}

// names say the causes to people.
var names = map[Cause]string{
	Feed: "late feed", Bus: "bus", Hub: "hub", Accepts: "loop busy: accepts and handshakes",
	Other: "loop busy: timers, other topics", Assist: "loop busy: GC assist", FanOut: "loop busy: fan-out",
	Pause: "GC pause", OffCPU: "not running: no processor", Kernel: "kernel queue", Swarm: "the swarm itself",
	Unexplained: "unexplained",
}

// String says the cause in words.
func (c Cause) String() string { return names[c] }

// Parts is a tick's delay in milliseconds, cut up by cause. Absent parts are 0.
type Parts map[Cause]float64

// Report is the part of the swarm's report about slow ticks.
type Report struct {
	// Objective is the delay in milliseconds, from the intended time to the last delivery, above which a tick is slow.
	Objective float64 `json:"objective_ms"`
	// Given says that the user has set it. Otherwise it is half as much again as the run's median tick, and at least 50 ms more.
	Given bool `json:"objective_given"`
	// Judged counts the ticks that both the swarm and the gateway know.
	Judged int `json:"judged"`
	// Unknown counts those of which the gateway had no record (any more).
	Unknown int `json:"unknown"`
	// Slow counts the ticks judged that took longer than the objective.
	Slow int `json:"slow"`
	// Usual is the median of each part over the ticks that were not slow; empty if there were fewer than five.
	Usual Parts `json:"usual_ms"`
	// Causes counts the slow ticks by cause.
	Causes map[Cause]int `json:"causes,omitempty"`
	// Ticks are the slow ones, the slowest first, at most 100.
	Ticks []Verdict `json:"ticks,omitempty"`
	// Gateway is the gateway's own timeline.
	Gateway []Point `json:"gateway,omitempty"`
	// Notes say what the reader must know about the above, such as clocks that differ.
	Notes []string `json:"notes,omitempty"`
}

// Verdict is one slow tick.
type Verdict struct {
	Seq      uint64    `json:"seq"`
	Intended time.Time `json:"intended"`
	Late     float64   `json:"late_ms"` // from the intended time to the last delivery
	Cause    Cause     `json:"cause"`
	// Excess is by how many milliseconds the cause's part exceeds its usual length.
	Excess float64 `json:"excess_ms"`
	// Worker is the process, and Loop its event loop, on whose part of the way the last delivery was; -1 if unknown.
	Worker string `json:"worker"`
	Loop   int    `json:"loop"`
	// Parts add up to Late.
	Parts Parts `json:"parts_ms"`
	// Sends is how many deliveries that loop made for this tick, Blocked how many found their socket full.
	Sends   uint64 `json:"sends"`
	Blocked uint64 `json:"blocked"`
}

// Point is one process of the gateway over one interval, about a second.
type Point struct {
	At          time.Time `json:"at"` // end of the interval
	Worker      string    `json:"worker"`
	Collections int       `json:"gc_cycles"`
	Pause       float64   `json:"gc_pause_ms"`  // stopped by the collector
	Assist      float64   `json:"gc_assist_ms"` // processor time of goroutines that had to help it
	LoopBusy    float64   `json:"loop_busy"`    // mean share of the interval that its loops spent on events
	AcceptBusy  float64   `json:"accept_busy"`  // of which on accepts, handshakes and reads
}
