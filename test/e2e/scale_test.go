package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"tickgate/internal/trial"
)

// report is the part of the swarm's JSON report that tests judge.
type report struct {
	Plan struct {
		Requested, Planned, Topics int
		PerClient                  int `json:"topics_per_client"`
	}
	Connections struct {
		Connected   int
		Disconnects int64
		Failures    map[string]int64
	}
	Messages struct {
		Received, Lost, Conflated, Duplicates, Reordered, Untimed, Untracked int64
		Strays, Backward                                                     int64
	}
	Ticks struct{ Count int }
	Away  *struct {
		Clients                                                        int
		Returned, Resumed, Replayed, Lost, Duplicates, Reordered, Gaps int64
		Before                                                         struct{ Count int64 } `json:"others_before"`
		Return                                                         struct{ Count int64 } `json:"others_during_return"`
	}
}

// swarm runs the real swarm against a gateway and returns its exit code, what it printed, and its JSON report.
func swarm(t testing.TB, g *gateway, within time.Duration, flags ...string) (outcome, report) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	line := append([]string{binaries.swarm, "http://" + g.Addr, "--admin=http://" + g.Admin, "--json=" + file}, flags...)
	got := runToEnd(t, within, line...)
	checkNoCrash(t, got.output)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the swarm's report: %v\n%s", err, got.output)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("the swarm's report: %v\n%s", err, text)
	}
	return got, r
}

// TestScale is the smoke test of the whole: 5,000 real connections, 70 % WebSocket and 30 % SSE, a tick a second, in one process and with
// workers. Nothing may be lost, skipped, doubled or out of order.
func TestScale(t *testing.T) {
	const conns, ticks = 5000, 6
	for _, workers := range []string{"auto", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			// What a process does that stands still for more than a second may be tried again: to skip a tick, to let a connect time out. Nothing else.
			trial.Again(t, func(try testing.TB) {
				g := startGateway(try, setup{flags: map[string]string{
					"workers": workers, "max-conns": strconv.Itoa(conns * 6 / 5), "policy": "-", "feed-interval": "1s",
					"feed": "replay:../../data/sp500-2000.csv",
				}})
				got, r := swarm(t, g, 2*patience, "--conns="+strconv.Itoa(conns), "--ticks="+strconv.Itoa(ticks),
					"--assert=connected=5000,loss=0,duplicates=0,reordered=0")
				t.Logf("the swarm printed:\n%s", got.output)
				if got.code != 0 {
					t.Errorf("got exit code %d, want 0: all assertions hold", got.code)
				}
				checkScale(t, try, r, conns, ticks)
				checkCounts(t, try, g, r)
			})
		})
	}
}

// checkScale judges the report itself, so that a swarm whose assertions always hold would be found out. What depends on how fast the machine is goes to try.
func checkScale(t, try testing.TB, r report, conns, ticks int) {
	t.Helper()
	if r.Plan.Planned != conns || r.Connections.Connected != conns {
		t.Errorf("got plan %+v and connections %+v, want %d", r.Plan, r.Connections, conns)
	}
	m := r.Messages
	if m.Lost != 0 || m.Duplicates != 0 || m.Reordered != 0 || m.Untimed != 0 || m.Untracked != 0 {
		t.Errorf("got messages %+v, want every one tracked, timed and in its place", m)
	}
	if r.Connections.Disconnects != 0 || len(r.Connections.Failures) != 0 || m.Conflated != 0 {
		try.Errorf("got connections %+v and %d conflated, want no trouble", r.Connections, m.Conflated)
	}
	if want := int64(conns * ticks); m.Received+m.Conflated < want || r.Ticks.Count < ticks {
		t.Errorf("got %d messages in %d ticks, want at least %d in %d", m.Received, r.Ticks.Count, want, ticks)
	}
}

// checkCounts compares the swarm's count with the gateway's own: it delivered at least what was received.
func checkCounts(t, try testing.TB, g *gateway, r report) {
	t.Helper()
	samples := g.scrape(t)
	if delivered := int64(sum(samples, "tickgate_deliveries_total")); delivered < r.Messages.Received {
		t.Errorf("tickgate_deliveries_total: got %d, want at least the %d that were received", delivered, r.Messages.Received)
	}
	if skipped := sum(samples, "tickgate_skipped_messages_total"); skipped != 0 {
		try.Errorf("tickgate_skipped_messages_total: got %v, want 0", skipped)
	}
}
