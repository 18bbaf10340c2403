package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tickgate/internal/load/blame"
	"tickgate/internal/load/cost"
	"tickgate/internal/load/sample"
)

// Schema names the form of the JSON document. Fields may be added to it; none is removed or changes its meaning
// without another name. Durations are in milliseconds (_ms), microseconds (_us) or seconds (_s) as their names say.
const Schema = "tickgate-swarm/1"

// Report is the outcome of a run.
type Report struct {
	Schema      string      `json:"schema"`
	Started     time.Time   `json:"started"`
	Environment Environment `json:"environment"`
	Plan        Plan        `json:"plan"`
	Phases      Phases      `json:"phases"`

	Connections Connections   `json:"connections"`
	Messages    Messages      `json:"messages"`            // of the whole run, ramp included
	Transports  []Transport   `json:"transports"`          // the same by transport
	Latency     Quantiles     `json:"latency"`             // from the intended time, while holding
	RampLatency Quantiles     `json:"ramp_latency"`        // while connecting
	Ticks       Ticks         `json:"ticks"`               // while holding
	Server      *Server       `json:"server,omitempty"`    // if its processes are known
	Gateway     *Gateway      `json:"gateway,omitempty"`   // if --admin was given
	Kernel      Kernel        `json:"kernel"`              // of the whole machine
	Swarm       Swarm         `json:"swarm"`               // this program
	Cost        *cost.Cost    `json:"cost,omitempty"`      // memory over the ramp, by the connection
	Blame       *blame.Report `json:"blame,omitempty"`     // slow ticks, and who is to blame
	Away        *Away         `json:"away,omitempty"`      // clients that left together and came back
	Split       Split         `json:"split"`               // who the time belongs to
	Asserts     []Verdict     `json:"asserts,omitempty"`   //
	Summary     Summary       `json:"summary"`             // the run in a sentence
	Notes       []string      `json:"notes,omitempty"`     // what a reader must know
	Series      []Point       `json:"series,omitempty"`    // one point a second
	Heat        *Heat         `json:"heat,omitempty"`      // latencies over time
	Curves      []Curve       `json:"curves,omitempty"`    // latencies while holding, by transport
	TickRows    []TickRow     `json:"tick_rows,omitempty"` // the last ticks

	told []string // Notes that the terminal had while the run was under way
}

// Environment is where and how the run was made.
type Environment struct {
	sample.Machine
	Go        string   `json:"go"`
	Version   string   `json:"version"` // of the swarm
	Command   []string `json:"command"`
	Nofile    int64    `json:"nofile"`
	PortRange string   `json:"port_range"`
	Scheduler string   `json:"scheduler"` // of the swarm's threads

	sample.System
	Programs []sample.Program `json:"programs,omitempty"` // the server's, if they are known
}

// Plan is what was to be done.
type Plan struct {
	Requested int      `json:"requested"` // connections asked for
	Planned   int      `json:"planned"`   // that fit this machine
	Limit     string   `json:"limit,omitempty"`
	Processes int      `json:"processes"`
	Targets   []string `json:"targets"`
	Policy    string   `json:"policy"`
	Topics    int      `json:"topics,omitempty"` // told apart; 0: one, or what the URLs say
	PerClient int      `json:"topics_per_client,omitempty"`
	Rate      float64  `json:"rate"`
	Slow      int      `json:"slow,omitempty"`
	Churn     float64  `json:"churn,omitempty"`
	// AwayClients leave together while holding and come back after Away seconds.
	AwayClients int     `json:"away_clients,omitempty"`
	Away        float64 `json:"away_s,omitempty"`
}

// Phases is how long each part took.
type Phases struct {
	Ramp    float64 `json:"ramp_s"`
	Hold    float64 `json:"hold_s"`
	Settle  float64 `json:"settle_s"`
	Stopped string  `json:"stopped"` // why holding ended

	// Zero is the beginning of the series, from which its seconds count. Holding began and ended at HoldFrom and HoldTo.
	Zero     time.Time `json:"series_zero"`
	HoldFrom float64   `json:"hold_from_s"`
	HoldTo   float64   `json:"hold_to_s"`
}

// Connections is what became of the clients.
type Connections struct {
	Connected   int              `json:"connected"` // at the end of holding
	AfterRamp   int              `json:"after_ramp"`
	Dialed      int64            `json:"dialed"`
	Opened      int64            `json:"opened"`
	Disconnects int64            `json:"disconnects"` // not of the swarm's doing
	Left        int64            `json:"left"`        // churn
	Hinted      int64            `json:"hinted"`      // waits whose length the server chose
	Resumed     int64            `json:"resumed"`     // came back with a last id
	GaveUp      int              `json:"gave_up"`
	Failures    map[string]int64 `json:"failures,omitempty"`
	Statuses    map[int]int64    `json:"statuses,omitempty"`
	CloseCodes  map[int]int64    `json:"close_codes,omitempty"`
	Examples    []string         `json:"examples,omitempty"` // the first failure of each kind
	PerSecond   float64          `json:"per_second"`         // in the ramp
	Connect     Quantiles        `json:"connect"`
	Handshake   Quantiles        `json:"handshake"`
}

// Messages is how they were judged; see package load for what the words mean.
type Messages struct {
	Received   int64   `json:"received"`
	Bytes      int64   `json:"bytes"`
	PerSecond  float64 `json:"per_second"` // while holding
	Lost       int64   `json:"lost"`
	Conflated  int64   `json:"conflated"`
	Duplicates int64   `json:"duplicates"`
	Reordered  int64   `json:"reordered"`
	Missed     int64   `json:"missed_while_away"`
	Gaps       int64   `json:"gaps_told"`
	Strays     int64   `json:"not_asked_for"` // of topics that the client does not have
	Backward   int64   `json:"ids_backward"`  // whose id is not above the one before on the connection
	Untimed    int64   `json:"untimed"`
	Untracked  int64   `json:"untracked"`
	Replayed   int64   `json:"replayed"`
	Skewed     int64   `json:"skewed"`
	Pings      int64   `json:"pings"`

	Ramp Judged `json:"while_connecting"` // the part of the counts above that belongs to the ramp
}

// Judged is how many messages were not as they should be.
type Judged struct {
	Lost       int64 `json:"lost"`
	Conflated  int64 `json:"conflated"`
	Duplicates int64 `json:"duplicates"`
	Reordered  int64 `json:"reordered"`
}

// Transport is the part of one transport.
type Transport struct {
	Name      string    `json:"name"`
	Connected int       `json:"connected"`
	Messages  Messages  `json:"messages"`
	Latency   Quantiles `json:"latency"`
}

// Ticks is how messages reached everybody. Only messages with a sequence number count, and only those whose first
// delivery fell into the hold; of more than 256 topics, those of every second, third and so on.
type Ticks struct {
	Count int `json:"count"`
	// Spread is the time from the first to the last delivery of a message.
	Spread Quantiles `json:"spread"`
	// First is the time from a message's intended time to its first delivery.
	First      Quantiles `json:"first"`
	Deliveries int64     `json:"deliveries"`     // mean of a tick
	Fewest     int64     `json:"fewest"`         // of any tick but the last
	ExpectedBy int       `json:"expected_by"`    // clients of a topic that read, at the end of holding
	Newest     uint64    `json:"newest_seq"`     //
	Behind     int       `json:"behind_at_last"` // clients that never reached it
}

// Server is what the server's processes cost.
type Server struct {
	PIDs      []int   `json:"pids"`
	Before    int64   `json:"pss_before_bytes"`
	After     int64   `json:"pss_after_bytes"` // at the end of holding
	RSSBefore int64   `json:"rss_before_bytes"`
	RSSAfter  int64   `json:"rss_after_bytes"`
	PerConn   float64 `json:"bytes_per_connection"` // growth of PSS (of RSS where PSS may not be read)
	Measure   string  `json:"measure"`              // "pss" or "rss"
	Cores     float64 `json:"cores"`                // mean while holding
	User      float64 `json:"user_us_per_message"`
	System    float64 `json:"system_us_per_message"`
	CPU       float64 `json:"cpu_us_per_message"`
	RampCPU   float64 `json:"cpu_us_per_connect"`
	// Reconnects is the part of CPU that connects while holding make up (churn, and clients that came back), each at
	// RampCPU.
	Reconnects float64 `json:"reconnects_us_per_message"`
	Waiting    float64 `json:"waiting_s"` // for a processor, while holding
	Switches   int64   `json:"involuntary_switches"`
}

// Gateway is what a page of Go metrics adds.
type Gateway struct {
	HeapBefore int64   `json:"heap_before_bytes"`
	HeapAfter  int64   `json:"heap_after_bytes"`
	PerConn    float64 `json:"heap_bytes_per_connection"`
	GCCycles   float64 `json:"gc_cycles"` // while holding
	GCCPU      float64 `json:"gc_cpu_s"`  // while holding
	Goroutines float64 `json:"goroutines"`
	CPU        float64 `json:"cpu_us_per_message"` // by its own account
	// Earlier is how many connections it had accepted before the run's first one, those of probes included; nothing if it does not count them.
	Earlier float64 `json:"accepted_before,omitempty"`
}

// Kernel is what the kernel holds for both ends, where both are on this machine.
type Kernel struct {
	SlabBefore  int64   `json:"slab_before_bytes"`
	SlabAfter   int64   `json:"slab_after_bytes"`
	QueueBefore int64   `json:"queue_before_bytes"`
	QueueAfter  int64   `json:"queue_after_bytes"`
	PerConn     float64 `json:"bytes_per_connection"`
	Sockets     int     `json:"sockets"`
	TimeWait    int     `json:"time_wait"`
}

// Swarm is what this program cost.
type Swarm struct {
	Reconnects int64 `json:"connects_while_holding"` // in CPU as well, and in the server's

	Processes int       `json:"processes"`
	RSS       int64     `json:"rss_bytes"`
	Cores     float64   `json:"cores"` // mean while holding
	CPU       float64   `json:"cpu_us_per_message"`
	User      float64   `json:"user_us_per_message"`
	System    float64   `json:"system_us_per_message"`
	LoopBusy  float64   `json:"loop_busy"` // mean share of one processor per loop
	Lag       Quantiles `json:"lag"`       // how long messages waited for a loop to read them
	Waiting   float64   `json:"waiting_s"` // for a processor, while holding
	Switches  int64     `json:"involuntary_switches"`
}

// Point is one interval of the run.
type Point struct {
	At        float64 `json:"t_s"` // since the start
	Connected int     `json:"connected"`
	Messages  int64   `json:"messages"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	Lost      int64   `json:"lost"`
	Conflated int64   `json:"conflated"`
	RSS       int64   `json:"server_rss_bytes,omitempty"`
	Server    float64 `json:"server_cores,omitempty"`
	Swarm     float64 `json:"swarm_cores"`

	Opened      int64 `json:"opened"` // handshakes completed
	Failed      int64 `json:"failed"` // attempts to connect that failed
	Disconnects int64 `json:"disconnects"`
}

// TickRow is one message.
type TickRow struct {
	Topic  uint32  `json:"topic,omitempty"` // number of the topic, from 0, in the order given
	Seq    uint64  `json:"seq"`
	At     float64 `json:"t_s"` // intended time, or else the first delivery, in the seconds of the series
	First  float64 `json:"first_ms"`
	Spread float64 `json:"spread_ms"`
	Count  int64   `json:"count"`

	at int64 // the same in Unix nanoseconds

	intended, last, lag int64 // for the Blame, as in load.Tick
}

// WriteJSON writes the document, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
