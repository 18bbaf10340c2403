package lab

import (
	"encoding/json"
	"time"
)

// Record is all that is kept of one run: enough to compute other metrics later and to repeat the run by hand. It is stored as JSON.
type Record struct {
	Run     Run       `json:"run"`
	Started time.Time `json:"started"`
	Took    float64   `json:"took_seconds"`
	// Commands are what was executed, in a form that a shell takes.
	Commands []string `json:"commands"`
	// Sysctls are the values that were in force for what the variant sets.
	Sysctls map[string]string `json:"sysctls,omitempty"`
	// Load is the machine's load average before the run: what else was going on.
	Load float64 `json:"load_before"`
	// Notes are remarks a reader should see, such as the swarm's own verdict.
	Notes []string `json:"notes,omitempty"`

	Measurement
}

// Measurement is what a Bench found in one run.
type Measurement struct {
	// Lab has the numbers that lab took itself, by name.
	Lab map[string]float64 `json:"lab"`
	// Netstat has what the kernel's counters of the gateway's network (snmp and netstat in /proc) gained in the window, such as TcpExt.ListenOverflows.
	Netstat map[string]float64 `json:"netstat"`
	// Gateway has the gateway's metrics at the beginning and the end of the window.
	Gateway []Series `json:"gateway"`
	// Swarm is the swarm's report as it came.
	Swarm json.RawMessage `json:"swarm"`
}

// Series is one line of the gateway's metrics page, at both ends of the window. Histograms have a line per bucket, as on the page.
type Series struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Gauge  bool              `json:"gauge,omitempty"` // not a counter: its last value counts and not what it gained
	Before float64           `json:"before"`
	After  float64           `json:"after"`
}

// gained returns what a counter gained, or the last value of a gauge.
func (s Series) gained() float64 {
	if s.Gauge {
		return s.After
	}
	return s.After - s.Before
}
