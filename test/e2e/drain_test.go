package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/trial"
)

// TestDrain stops a loaded gateway as a supervisor of services does, with one process and with workers: clients are sent away over the whole
// drain time, each with another time to come back, nobody new is let in, and the exit code is 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"auto", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			trial.Grow(t, 3*time.Second, func(t testing.TB, drain time.Duration) { drainLoaded(t, workers, drain) })
		})
	}
}

// drainLoaded stops a gateway with 80 clients over the drain time.
func drainLoaded(t testing.TB, workers string, drain time.Duration) {
	t.Helper()
	const each = 40
	g := startGateway(t, setup{flags: map[string]string{"workers": workers, "drain": drain.String(), "feed-interval": "50ms"}})
	var streams []*sse
	var sockets []*wsClient
	for range each {
		streams = append(streams, openSSE(t, "http://"+g.Addr+"/sse", nil))
		sockets = append(sockets, openWS(t, "ws://"+g.Addr+"/ws"))
	}
	for i := range each {
		streams[i].wait(t, 2)
		sockets[i].wait(t, 2)
	}
	g.signal(t, syscall.SIGTERM)
	started := time.Now()
	eventually(t, drain, "503 from /readyz while draining", func() bool {
		return statusOf("http://"+g.Admin+"/readyz") == http.StatusServiceUnavailable
	})
	// Workers hear of it a moment later; whom they still let in, they send away with the others.
	eventually(t, drain/3, "refusal of new clients", func() bool { return statusOf("http://"+g.Addr+"/sse") != http.StatusOK })
	if code := g.waitExit(t, drain+patience); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
	if took := time.Since(started); took > 2*drain {
		t.Errorf("got the end %v after SIGTERM, want about the drain time of %v", took, drain)
	}
	if log := g.log.String(); !strings.Contains(log, "connections=80") || !strings.Contains(log, "msg=stopped") {
		t.Errorf("got no count of connections, or no word of the end, in the log:\n%s", log)
	}
	checkSentAway(t, streams, sockets, drain)
}

// checkSentAway checks the hints of all clients: present, plausible and spread.
func checkSentAway(t testing.TB, streams []*sse, sockets []*wsClient, drain time.Duration) {
	t.Helper()
	hints := map[time.Duration]bool{}
	var first, last time.Time
	for i, c := range sockets {
		if code, reason := c.waitClose(t, patience); code != 1012 || !strings.HasPrefix(reason, "retry=") {
			t.Errorf("socket %d: got close code %d %q, want 1012 retry=<ms>", i, code, reason)
		}
		_, _, reason, at := c.closes()
		ms, err := strconv.Atoi(strings.TrimPrefix(reason, "retry="))
		if err != nil || ms < 0 || ms > 120_000 {
			t.Errorf("socket %d: got hint %q, want milliseconds", i, reason)
		}
		hints[time.Duration(ms)*time.Millisecond] = true
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
		checkTicks(t, c.seen())
	}
	if spread := last.Sub(first); spread < drain/3 {
		t.Errorf("got all %d closes within %v, want them paced over %v", len(sockets), spread, drain)
	}
	for i, s := range streams {
		eventually(t, patience, "end of the stream", func() bool { over, _ := s.ended(); return over })
		if _, err := s.ended(); err != nil {
			t.Errorf("stream %d: got end %v, want a proper one", i, err)
		}
		retries, _ := s.hints()
		if len(retries) < 2 {
			t.Errorf("stream %d: got retry lines %v, want one at the start and one at the end", i, retries)
			continue
		}
		hints[retries[len(retries)-1]] = true
	}
	if len(hints) < len(sockets)/2 {
		t.Errorf("got %d different hints for %d clients, want them spread", len(hints), len(sockets)+len(streams))
	}
}

// TestSecondSignal: whoever asks twice does not want to wait. Two signals at a time, as timeout(1) sends them, are one wish.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"auto", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			trial.Again(t, func(t testing.TB) { signalTwice(t, workers) }) // a test that stands still between two signals sends two wishes
		})
	}
}

// signalTwice asks a gateway with a long drain to end, and then to end at once.
func signalTwice(t testing.TB, workers string) {
	t.Helper()
	g := startGateway(t, setup{flags: map[string]string{"drain": "10m", "workers": workers}})
	for range 10 {
		openSSE(t, "http://"+g.Addr+"/sse", nil)
	}
	g.killed = true // it ends with 1, which is checked here
	g.signal(t, syscall.SIGINT)
	g.signal(t, syscall.SIGINT)
	eventually(t, patience, "503 from /readyz while draining", func() bool {
		return statusOf("http://"+g.Admin+"/readyz") == http.StatusServiceUnavailable
	})
	never(t, 400*time.Millisecond, "the end before the second wish", g.hasExited)
	g.signal(t, syscall.SIGINT)
	if code := g.waitExit(t, patience); code != 1 {
		t.Errorf("got exit code %d, want 1", code)
	}
	for _, part := range []string{"a second signal ends at once", "connections=10", "ended at once"} {
		if !strings.Contains(g.log.String(), part) {
			t.Errorf("got no %q in the log:\n%s", part, g.log)
		}
	}
}

// TestIdleStop: with nobody connected there is nothing to pace.
func TestIdleStop(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"drain": "10m"}})
	g.signal(t, syscall.SIGTERM)
	if code := g.waitExit(t, patience); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}
