package epoll

import (
	"context"
	"net"
	"net/http"
	"testing"

	"tickgate/internal/trial"
)

// refuser serves one client, and turns all others away with an answer of HTTP.
func refuser(t *testing.T) (n *node, answer string) {
	t.Helper()
	answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull"
	n = serve(t, Config{MaxConns: 1, Refusal: func(Reason) []byte { return []byte(answer) }}, &hooks{})
	n.connect()
	return n, answer
}

func turnedAway(n *node) uint64 {
	s := n.stats()
	return s.Refused(RefusedMaxConns)
}

// TestRefusalIsReadBeforeARequest: a client that asks after it was turned away gets its answer, clean to the end.
func TestRefusalIsReadBeforeARequest(t *testing.T) {
	n, answer := refuser(t)
	for i := range uint64(20) {
		c := dial(t, n.addr)
		eventually(t, "the client is turned away", func() bool { return turnedAway(n) == i+1 })
		c.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := c.rest(); got != answer {
			t.Fatalf("got %q, want %q", got, answer)
		}
		_ = c.Close()
	}
}

// slow is a connection whose first bytes go out when the server has turned it away.
type slow struct {
	net.Conn
	away func()
}

func (s slow) Write(b []byte) (int, error) {
	s.away()
	return s.Conn.Write(b)
}

// TestRefusalReachesGo: net/http takes an answer that is there before the request for a broken connection. A request that takes longer than two ticks has to
// be made again.
func TestRefusalReachesGo(t *testing.T) {
	n, _ := refuser(t)
	trial.Again(t, func(t testing.TB) {
		before := turnedAway(n)
		away := func() { eventually(t, "the client is turned away", func() bool { return turnedAway(n) > before }) }
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return slow{conn, away}, err
		}}}
		for range 2 * maxLeaving { // each makes room for the next
			resp, err := client.Get("http://" + n.addr.String())
			if err != nil {
				t.Fatalf("got %v, want 503", err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("got status %d, want 503", resp.StatusCode)
			}
			before++
		}
	})
}

// TestSilentCrowdIsTurnedAway: clients that never ask get the answer too, however many, and hold few descriptors.
func TestSilentCrowdIsTurnedAway(t *testing.T) {
	n, answer := refuser(t)
	clients := make([]*client, 3*maxLeaving)
	for i := range clients {
		clients[i] = dial(t, n.addr)
	}
	eventually(t, "all are turned away", func() bool { return turnedAway(n) == uint64(len(clients)) })
	n.do(func() {
		if got := len(n.leaving); got > maxLeaving {
			t.Errorf("got %d leaving, want %d at most", got, maxLeaving)
		}
	})
	for i, c := range clients {
		if got := c.rest(); got != answer {
			t.Fatalf("client %d: got %q, want %q", i, got, answer)
		}
	}
	eventually(t, "nobody is leaving", func() (none bool) {
		n.do(func() { none = len(n.leaving) == 0 })
		return none
	})
}

// TestStopWhileClientsLeave: they are answered, and no descriptor is left (which TestMain checks).
func TestStopWhileClientsLeave(t *testing.T) {
	n, answer := refuser(t)
	c := dial(t, n.addr)
	eventually(t, "the client is turned away", func() bool { return turnedAway(n) == 1 })
	n.Stop()
	if got := c.rest(); got != answer {
		t.Errorf("got %q, want %q", got, answer)
	}
}
