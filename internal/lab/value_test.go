package lab_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"tickgate/internal/lab"
)

var measurement = lab.Measurement{
	Lab:     map[string]float64{"ramp_seconds": 0.5},
	Netstat: map[string]float64{"TcpExt.ListenOverflows": 7},
	Swarm:   json.RawMessage(`{"latency":{"p99_ms":12.5,"count":3},"transports":[{"n":1},{"n":2}],"ok":true,"name":"x"}`),
	Gateway: []lab.Series{
		{Name: "deliveries_total", Labels: map[string]string{"worker": "0"}, Before: 100, After: 150},
		{Name: "deliveries_total", Labels: map[string]string{"worker": "1"}, Before: 100, After: 170},
		{Name: "heap_bytes", Gauge: true, Before: 5, After: 9},
		{Name: "zero_total", Before: 4, After: 4},
		{Name: "pause_seconds_bucket", Labels: map[string]string{"le": "0.1"}, Before: 10, After: 60},
		{Name: "pause_seconds_bucket", Labels: map[string]string{"le": "0.2"}, Before: 10, After: 100},
		{Name: "pause_seconds_bucket", Labels: map[string]string{"le": "+Inf"}, Before: 10, After: 110},
		{Name: "pause_seconds_sum", Before: 1, After: 11},
		{Name: "pause_seconds_count", Before: 10, After: 110},
	},
}

func TestMetricOf(t *testing.T) {
	tests := []struct {
		value, per string
		scale      lab.Number
		want       float64
	}{
		{"swarm.latency.p99_ms", "", 1, 12.5},
		{"swarm.transports.1.n", "", 1, 2},
		{"swarm.ok", "", 1, 1},
		{"gateway.deliveries_total", "", 1, 120},
		{`gateway.deliveries_total{worker="1"}`, "", 1, 70},
		{"gateway.heap_bytes", "", 1, 9},
		{"gateway.heap_bytes", "gateway.deliveries_total", 1000, 75},
		{"gateway.pause_seconds:mean", "", 1, 0.1},
		{"gateway.pause_seconds:p50", "", 1, 0.1},
		{"gateway.pause_seconds:p70", "", 1, 0.15},
		{"gateway.pause_seconds:p99.9", "", 1, 0.2}, // beyond the last bound
		{"netstat.TcpExt.ListenOverflows", "", 1, 7},
		{"lab.ramp_seconds", "", 1, 0.5},
	}
	for _, tt := range tests {
		m := lab.Metric{Name: "m", Value: tt.value, Per: tt.per, Scale: tt.scale}
		if got, err := m.Of(&measurement); err != nil || math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s / %s: got %v, %v, want %v", tt.value, tt.per, got, err, tt.want)
		}
	}
}

// TestMetricOfNothing: what a run lacks is named, with what it has.
func TestMetricOfNothing(t *testing.T) {
	tests := []struct{ value, per, want string }{
		{"swarm.latency.p98_ms", "", "p99_ms"},
		{"swarm.latency", "", "want a number"},
		{"swarm.name", "", "want a number"},
		{"swarm.transports.2.n", "", `no "2"`},
		{"gateway.delivered_total", "", "deliveries_total"},
		{`gateway.deliveries_total{worker="2"}`, "", `worker="2"`},
		{"gateway.latency_seconds:p99", "", "no such histogram"},
		{"gateway.heap_bytes", "gateway.zero_total", "zero_total is 0"},
		{"netstat.TcpExt.ListenDrops", "", "TcpExt.ListenOverflows"},
		{"lab.ramp", "", "ramp_seconds"},
	}
	for _, tt := range tests {
		m := lab.Metric{Name: "m", Value: tt.value, Per: tt.per, Scale: 1}
		if _, err := m.Of(&measurement); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s / %s: got %v, want an error with %q", tt.value, tt.per, err, tt.want)
		}
	}
}
