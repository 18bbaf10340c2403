package metrics

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full has every part and every kind of label.
func full() Snapshot {
	return Snapshot{
		Capacity: 120_000,
		Clients: &Clients{
			Connections: []Connections{
				{"ws", "open", 70_000}, {"sse", "open", 30_000}, {"none", "handshake", 12}, {"ws", "closing", 3},
			},
			Accepts:      100_100,
			AcceptPauses: []Count{{"nofile", 2}},
			BadForwarded: 6, Uncounted: 7,
			Refusals:   []Count{{"max_conns", 5}, {"bad_request", 1}},
			Handshakes: []Count{{"ws", 70_010}, {"sse", 30_002}},
			Closes:     []Count{{"peer_closed", 9}, {"slow_consumer", 1}},
			Commands:   []Count{{"sub", 40}, {"pub", 3}}, CommandErrors: []Count{{"forbidden", 2}},
		},
		Fanout: &Fanout{
			Subscriptions: 100_000, Behind: 4, Topics: 1, TopicBytes: 70_000, Evicted: 3, Messages: 60, Deliveries: 6_000_000,
			Skipped: []Count{{"latest", 11}}, Paced: 3, Conflated: []Count{{"", 2}, {"fx.*", 9}}, Overruns: 1, Overtaken: 2,
			Duration: Histogram{
				Bounds: []time.Duration{100 * time.Millisecond, 1638400 * time.Microsecond},
				Counts: []uint64{7, 52, 1}, Sum: 20 * time.Second,
			},
			LagMessages: 3, Lag: 1500 * time.Millisecond,
		},
		Loops: []Loop{
			{Busy: 12500 * time.Millisecond, BytesIn: 10, BytesOut: 2000, PartialSends: 3, BlockedSends: 4, Connections: 50_001, BlockedConns: 1, UnsentBytes: 80},
			{Stuck: true, Busy: 13 * time.Second, BytesIn: 11, BytesOut: 2001, PartialSends: 1, BlockedSends: 2, Connections: 50_014, BlockedConns: 2, UnsentBytes: 90},
		},
		Feed:    &Feed{Ticks: 60, Late: 1, Skipped: 2},
		Bus:     &Bus{Up: true, Publishes: 60, Errors: []Count{{"timeout", 1}}, Received: 61},
		Tokens:  &Tokens{Accepted: 7, Refused: []Count{{"expired", 2}, {"forbidden", 1}}, Pending: 3, Cached: 5, Refreshes: []Count{{"ok", 4}, {"error", 1}}},
		Workers: []Worker{{"0", 1}, {"1", 0}},
	}
}

// worker is full without what only a supervisor has.
func worker() Snapshot {
	s := full()
	s.Workers, s.Capacity = nil, 0
	return s
}

// page returns the page of a registry with source and all else there is.
func page(t *testing.T, source func() Snapshot) []byte {
	t.Helper()
	r, err := New(Config{Source: source, Kernel: true, ProcRoot: "testdata/proc", Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Page()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: got\n%s\n(go test -update rewrites it)", path, got)
	}
}
