package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/trial"
)

// TestSwarmBadFlags: all mistakes are told at once, with exit code 2.
func TestSwarmBadFlags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags []string
		want  []string
	}{
		{"no target", nil, []string{"target"}},
		{"values", []string{"http://127.0.0.1:1", "--conns=-5", "--mix=ftp=1", "--assert=p99<fast", "--rate=-1"}, []string{"conns", "mix", "assert", "rate"}},
		{"syntax", []string{"http://127.0.0.1:1", "--conns=many", "--hold=long", "--rate=fast"}, []string{"--conns", "--hold", "--rate"}},
		{"bad target", []string{"127.0.0.1:8080"}, []string{"127.0.0.1:8080", "ws://"}},
		{"foreign scheme", []string{"gopher://127.0.0.1"}, []string{"gopher"}},
		{"unknown flag", []string{"http://127.0.0.1:1", "--connections=5"}, []string{"--connections"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runToEnd(t, 2*patience, append([]string{binaries.swarm}, tt.flags...)...)
			if got.code != 2 {
				t.Errorf("got exit code %d, want 2", got.code)
			}
			checkClear(t, got, tt.want...)
		})
	}
}

// TestSwarmBadTarget: a target that cannot be loaded is one clear line, before thousands of clients fail at it.
func TestSwarmBadTarget(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	tests := []struct {
		name, url, want string
	}{
		{"nobody listens", "http://127.0.0.1:1", "refused"},
		{"not a push server", plain.URL, "404"},
		{"not a WebSocket", strings.Replace(plain.URL, "http", "ws", 1) + "/ws", "404"},
		{"no such host", "http://host.invalid:80", "host.invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runToEnd(t, 2*patience, binaries.swarm, tt.url, "--conns=100", "--hold=2s")
			if got.code == 0 {
				t.Error("got exit code 0, want another")
			}
			checkClear(t, got, tt.want)
		})
	}
}

// TestSwarmAssert: an assertion that does not hold is an exit code.
func TestSwarmAssert(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed-interval": "200ms"}})
	for assert, want := range map[string]int{"connected=50,loss=0": 0, "connected=51": 1} {
		got, r := swarm(t, g, 2*patience, "--conns=50", "--ticks=5", "--policy=all", "--assert="+assert)
		if got.code != want {
			t.Errorf("--assert %s: got exit code %d, want %d:\n%s", assert, got.code, want, got.output)
		}
		checkScale(t, t, r, 50, 5)
	}
}

// TestSwarmWorkers: with few descriptors the swarm shares its clients among processes, and still gives one report.
func TestSwarmWorkers(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed-interval": "200ms"}})
	got, r := swarm(t, g, 2*patience, "--conns=300", "--ticks=5", "--policy=all", "--processes=3")
	if got.code != 0 {
		t.Errorf("got exit code %d:\n%s", got.code, got.output)
	}
	checkScale(t, t, r, 300, 5)
}

// TestSwarmFollowsHints: when the gateway restarts, the swarm's clients come back and nothing that they were promised is missing.
func TestSwarmFollowsHints(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 8*time.Second, func(t testing.TB, hold time.Duration) {
		g := startGateway(t, setup{flags: map[string]string{"workers": "2", "feed-interval": "200ms", "max-conns": "1000"}})
		done := make(chan struct{})
		go func() {
			defer close(done)
			holds(patience, func() bool { return sum(g.scrape(t), "tickgate_connections", `state="open"`) >= 200 })
			_ = syscall.Kill(g.workers()[0], syscall.SIGKILL)
		}()
		got, r := swarm(t, g, 2*patience, "--conns=200", "--hold="+hold.String(), "--policy=all")
		<-done
		if r.Connections.Disconnects == 0 || r.Connections.Connected != 200 {
			t.Errorf("got %d disconnects and %d connected at the end, want some and 200:\n%s", r.Connections.Disconnects, r.Connections.Connected, got.output)
		}
		if m := r.Messages; m.Lost != 0 || m.Duplicates != 0 || m.Reordered != 0 {
			t.Errorf("got messages %+v, want none lost, doubled or out of order", m)
		}
	})
}
