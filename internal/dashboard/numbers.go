package dashboard

import (
	"time"

	snapshot "tickgate/internal/metrics"
	"tickgate/internal/ticklog"
)

// numbers is a process in a sample. Durations are seconds, sizes bytes, all counters since the start of the process. Counts that
// are zero are left out.
type numbers struct {
	PID  int     `json:"pid"`
	CPU  float64 `json:"cpu"`
	RSS  uint64  `json:"rss"`
	Heap uint64  `json:"heap"` // objects, dead ones included until they are swept
	Live uint64  `json:"live"` // marked by the last collection
	Goal uint64  `json:"goal"` // at which the next one begins
	GC   struct {
		Cycles  uint64  `json:"cycles"`
		Longest float64 `json:"longest"` // pause since the sample before
	} `json:"gc"`

	Capacity    int               `json:"capacity,omitempty"` // of the whole gateway; told by one process
	Connections map[string]int    `json:"connections,omitempty"`
	Accepts     uint64            `json:"accepts,omitempty"`
	Refusals    map[string]uint64 `json:"refusals,omitempty"`
	Closes      map[string]uint64 `json:"closes,omitempty"`
	Fanout      *fanout           `json:"fanout,omitempty"`
	Loops       []loop            `json:"loops,omitempty"`
	Feed        *feed             `json:"feed,omitempty"`
	Bus         *bus              `json:"bus,omitempty"`
	Restarts    map[string]uint64 `json:"restarts,omitempty"` // by worker; told by the supervisor, also if they are 0
	Latency     *latency          `json:"latency,omitempty"`
}

type fanout struct {
	Subscriptions int      `json:"subscriptions"`
	Behind        int      `json:"behind"`
	Topics        int      `json:"topics"`
	Messages      uint64   `json:"messages"`
	Deliveries    uint64   `json:"deliveries"`
	Conflated     uint64   `json:"conflated"`
	Overruns      uint64   `json:"overruns"`
	Lag           float64  `json:"lag"`   // of the slowest subscriber
	Taken         float64  `json:"taken"` // by all fan-outs together
	Counts        []uint64 `json:"counts"`
}

type loop struct {
	Busy        float64 `json:"busy"`
	Connections int     `json:"connections"`
	Blocked     int     `json:"blocked"`
	Unsent      int     `json:"unsent"`
	Stuck       bool    `json:"stuck,omitempty"`
}

type feed struct {
	Late    uint64 `json:"late"`
	Skipped uint64 `json:"skipped"`
}

type bus struct {
	Up bool `json:"up"`
}

// latency is the part of a ticklog.Latencies that is not zero.
type latency struct {
	From   int      `json:"from"` // bin of the first count
	Counts []uint64 `json:"counts"`
}

func newNumbers(s snapshot.Snapshot) *numbers {
	n := &numbers{Capacity: s.Capacity}
	if s.Clients != nil {
		n.clients(s.Clients)
	}
	if f := s.Fanout; f != nil {
		n.Fanout = newFanout(f)
	}
	for _, l := range s.Loops {
		n.Loops = append(n.Loops, loop{
			Busy: l.Busy.Seconds(), Connections: l.Connections, Blocked: l.BlockedConns, Unsent: l.UnsentBytes, Stuck: l.Stuck,
		})
	}
	if s.Feed != nil {
		n.Feed = &feed{Late: s.Feed.Late, Skipped: s.Feed.Skipped}
	}
	if s.Bus != nil {
		n.Bus = &bus{Up: s.Bus.Up}
	}
	for _, w := range s.Workers {
		if n.Restarts == nil {
			n.Restarts = map[string]uint64{}
		}
		n.Restarts[w.Name] = w.Restarts
	}
	return n
}

func (n *numbers) clients(c *snapshot.Clients) {
	n.Connections = map[string]int{}
	for _, kind := range c.Connections {
		if kind.N > 0 {
			n.Connections[connectionKind(kind)] += kind.N
		}
	}
	n.Accepts = c.Accepts
	n.Refusals, n.Closes = nonzero(c.Refusals), nonzero(c.Closes)
}

// connectionKind is what the page tells apart: open connections by their transport, and those that are coming or going.
func connectionKind(c snapshot.Connections) string {
	if c.State == "open" {
		return c.Transport
	}
	return c.State
}

func newFanout(f *snapshot.Fanout) *fanout {
	conflated := uint64(0)
	for _, c := range f.Skipped {
		conflated += c.N
	}
	return &fanout{
		Subscriptions: f.Subscriptions, Behind: f.Behind, Topics: f.Topics, Messages: f.Messages, Deliveries: f.Deliveries,
		Conflated: conflated, Overruns: f.Overruns, Lag: f.Lag.Seconds(), Taken: f.Duration.Sum.Seconds(), Counts: f.Duration.Counts,
	}
}

func nonzero(counts []snapshot.Count) map[string]uint64 {
	m := map[string]uint64{}
	for _, c := range counts {
		if c.N > 0 {
			m[c.Label] += c.N
		}
	}
	return m
}

// sparse returns the part of counts from the first to the last that is not zero, nil if all are.
func sparse(counts ticklog.Latencies) *latency {
	first, end := 0, len(counts)
	for first < end && counts[first] == 0 {
		first++
	}
	for end > first && counts[end-1] == 0 {
		end--
	}
	if first == end {
		return nil
	}
	return &latency{From: first, Counts: counts[first:end]}
}

// fanoutBounds are the upper bounds of a fan-out's counts but the last, in seconds.
func fanoutBounds(bounds []time.Duration) []float64 {
	seconds := make([]float64, len(bounds))
	for i, b := range bounds {
		seconds[i] = b.Seconds()
	}
	return seconds
}

// latencyBounds are the upper bounds of all bins of a latency but the last, in seconds.
func latencyBounds() []float64 {
	bounds := make([]float64, ticklog.LatencyBins-1)
	for i := range bounds {
		bounds[i] = ticklog.LatencyBound(i).Seconds()
	}
	return bounds
}

// milliseconds is a time as the page has it.
func milliseconds(t time.Time) int64 { return t.UnixMilli() }
