package session

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"tickgate/internal/hub"
	"tickgate/internal/trial"
	"tickgate/internal/wire"
)

// TestDrain sends everybody away: each client at its own time and with its own hint, nobody with a reset, and those in
// the middle of a request as well.
func TestDrain(t *testing.T) {
	t.Parallel()
	trial.Grow(t, time.Second, func(t testing.TB, over time.Duration) {
		const each, size = 40, 128 << 10
		g := serve(t, Config{Sockets: tight, Echo: true, HeaderTimeout: time.Minute}, hub.TopicConfig{})
		var sockets, streams, halfway []*client
		for range each {
			sockets, streams = append(sockets, g.ws("/ws")), append(streams, g.sse("/sse"))
		}
		echo := g.ws("/echo")
		slow := g.sleeper().open(request("/ws", upgrade...), 101)
		head := request("/ws", upgrade...)
		for range 5 {
			c := g.dial()
			c.write(head[:10])
			halfway = append(halfway, c)
		}
		g.subscribed(2*each + 1)
		g.publish(text(size))
		for i := range each {
			sockets[i].expect(ws.OpText, text(size))
			streams[i].event("id: e-1\ndata: " + text(size) + "\n")
		}
		g.blocked(1)

		g.drain(over)
		checkNobodyComesIn(g)
		checkRefusedWhileDraining(t, halfway, head)
		hints, spread := map[int]bool{}, newSpread(g)
		for i := range each {
			code, reason := sockets[i].closeFrame()
			retry, ok := wire.ParseRetry([]byte(reason))
			if code != wire.CloseRestart || !ok {
				t.Errorf("socket %d: got %d %q, want 1012 retry=<ms>", i, code, reason)
			}
			hints[int(retry.Milliseconds())] = true
			sockets[i].intact()
			hints[streams[i].retry()] = true
			streams[i].end()
			streams[i].intact()
		}
		spread.check()
		for ms := range hints {
			if ms < 1000 || ms > 10_000 {
				t.Errorf("hint: got %d ms, want 1 to 10 s", ms)
			}
		}
		if len(hints) < 2*each-each/5 {
			t.Errorf("got %d different hints for %d clients, want nearly as many", len(hints), 2*each)
		}
		if code, _ := echo.closeFrame(); code != wire.CloseRestart {
			t.Errorf("echo: got close code %d, want 1012", code)
		}
		slow.expect(ws.OpText, text(size)) // what was on its way comes first
		if code, _ := slow.closeFrame(); code != wire.CloseRestart {
			t.Errorf("slow client: got close code %d, want 1012", code)
		}
		g.eventually("all closing", func(s *Snapshot) bool {
			return s.Sessions[WebSocket][Open]+s.Sessions[SSE][Open]+s.Sessions[Echo][Open]+s.Sessions[HTTP][Handshake] == 0
		})
		for _, c := range append(append(sockets, streams...), echo, slow) {
			_ = c.Close()
		}
		g.closed(Restart, 2*each+2)
	})
}

// checkNobodyComesIn tries to connect. The port may be somebody else's by now, but it is not the gateway's.
func checkNobodyComesIn(g *gateway) {
	g.t.Helper()
	accepted := g.snapshot().Loop.Accepted
	if c, err := net.Dial("tcp", g.addr); err == nil {
		defer c.Close() //nolint:errcheck // nothing is said
	} else if !errors.Is(err, unix.ECONNREFUSED) {
		g.t.Errorf("new client: got %v, want connection refused", err)
	}
	if got := g.snapshot().Loop.Accepted; got != accepted {
		g.t.Errorf("new client: got %d accepted, want %d as before the drain", got, accepted)
	}
}

// checkRefusedWhileDraining completes request heads of which the first bytes came before the drain.
func checkRefusedWhileDraining(t testing.TB, halfway []*client, head string) {
	t.Helper()
	waits := map[string]bool{}
	for _, c := range halfway {
		c.write(head[10:])
		got := c.rest()
		checkResponse(t, got, http.MethodGet, http.StatusServiceUnavailable, "draining")
		_, after, ok := strings.Cut(got, "\r\nRetry-After: ")
		if wait, _, _ := strings.Cut(after, "\r\n"); ok {
			waits[wait] = true
		}
		c.intact()
		_ = c.Close()
	}
	for wait := range waits {
		var s int
		if _, err := fmt.Sscan(wait, &s); err != nil || s < 1 || s > 10 {
			t.Errorf("Retry-After: got %q, want 1 to 10 seconds", wait)
		}
	}
	if len(waits) == 0 {
		t.Error("Retry-After: got none, want one in each answer")
	}
}

// spread observes on the loop that sessions end one after the other.
type spread struct {
	g    *gateway
	open map[int]bool // numbers of open sessions seen
	stop chan struct{}
	done chan struct{}
}

func newSpread(g *gateway) *spread {
	s := &spread{g: g, open: map[int]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	go s.observe()
	return s
}

func (s *spread) observe() {
	defer close(s.done)
	for {
		select {
		case <-s.stop:
			return
		case <-time.After(20 * time.Millisecond):
			if got, ok := s.g.Snapshot(patience); ok {
				s.open[got.Sessions[WebSocket][Open]] = true
			}
		}
	}
}

// check demands that the sessions were seen to dwindle: the loop's clock ticks ten times during the drain.
func (s *spread) check() {
	s.g.t.Helper()
	close(s.stop)
	<-s.done
	if len(s.open) < 3 {
		s.g.t.Errorf("sessions left during the drain: got %v, want them to end one after the other", s.open)
	}
}

// HEAD tells what GET would; a preflight is answered still.
func TestOtherMethodsWhileDraining(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	head, options := g.dial(), g.dial()
	head.write("HEAD ")
	options.write("OPTIONS ")
	g.eventually("both connected", func(s *Snapshot) bool { return s.Loop.BytesIn == 13 })
	g.drain(0)
	head.write("/sse HTTP/1.1\r\nHost: x\r\n\r\n")
	checkResponse(t, head.rest(), http.MethodHead, http.StatusServiceUnavailable, "draining")
	options.write("/sse HTTP/1.1\r\nHost: x\r\n\r\n")
	checkResponse(t, options.rest(), http.MethodOptions, http.StatusNoContent, "")
}

// TestStreamsWhileDraining: an EventSource that asks in the middle of the drain is answered in a way that makes it come back.
func TestStreamsWhileDraining(t *testing.T) {
	trial.Grow(t, 5*time.Second, func(t testing.TB, over time.Duration) {
		const each = 10
		g := serve(t, Config{HeaderTimeout: time.Minute}, hub.TopicConfig{})
		var clients []*client
		for range each {
			c := g.dial()
			c.write("GET /")
			clients = append(clients, c)
		}
		g.eventually("all connected", func(s *Snapshot) bool { return s.Loop.BytesIn == each*5 })
		g.drain(over)
		hints := map[string]bool{}
		for i, c := range clients {
			c.write("sse HTTP/1.1\r\nHost: x\r\n\r\n")
			hints[checkTurnedAway(t, i, c)] = true
		}
		if len(hints) < each/2 {
			t.Errorf("got hints %v for %d clients, want nearly as many", hints, each)
		}
		if got := g.snapshot().Refused["draining"]; got != each {
			t.Errorf("got %d counted as refused while draining, want %d", got, each)
		}
	})
}

// checkTurnedAway checks that a client gets an event stream that ends with a hint, and returns the hint.
func checkTurnedAway(t testing.TB, i int, c *client) string {
	t.Helper()
	c.t = t
	head, body, _ := strings.Cut(c.rest(), "\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "\r\nContent-Type: text/event-stream") {
		t.Errorf("client %d: got %q, want an event stream", i, head)
	}
	var ms int
	if _, err := fmt.Sscanf(body, "retry: %d\n\n", &ms); err != nil || ms < 1000 || ms > 10_000 || strings.Count(body, "\n") != 2 {
		t.Errorf("client %d: got body %q, want a hint of 1 to 10 s and nothing else", i, body)
	}
	c.intact()
	return body
}

// What still waits in the accept queue when the drain begins is answered, not reset.
func TestDrainAnswersTheAcceptQueue(t *testing.T) {
	trial.Grow(t, time.Second, func(t testing.TB, over time.Duration) {
		g := serve(t, Config{HandshakeBacklog: 2}, hub.TopicConfig{})
		var clients []*client
		for range 10 {
			clients = append(clients, g.dial())
		}
		g.eventually("accepting is paused", func(s *Snapshot) bool { return s.Loop.Accepted == 2 })
		g.drain(over)
		for i, c := range clients {
			c.write(request("/sse"))
			checkTurnedAway(t, i, c)
		}
	})
}

// A second drain, with less time, is for the impatient.
func TestDrainCanBeHurried(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.ws("/ws")
	g.drain(time.Hour)
	g.drain(0)
	if code, _ := c.closeFrame(); code != wire.CloseRestart {
		t.Errorf("got close code %d, want 1012", code)
	}
}

// A loop that ends resets its connections; nothing of it can be asked any more, but its last counters.
func TestStop(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.ws("/ws")
	g.subscribed(1)
	before := g.snapshot()
	stopped := make(chan struct{})
	go func() { defer close(stopped); <-g.epoll.Done() }()
	g.Stop()
	await(t, stopped, "the loop's end")
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("got bytes, want the end")
	}
	after, ok := g.Snapshot(time.Second)
	if ok || after.Handshakes != before.Handshakes || after.Loop.Accepted != 1 {
		t.Errorf("snapshot after the end: got %+v, %t, want the last one and false", after, ok)
	}
	g.Drain(0) // does nothing
	g.hub.Publish(hub.Publication{Seq: 1, Topic: "ticks"})
	if got := g.hub.Topic("ticks").Subscribers(); got != 0 {
		t.Errorf("got %d subscribers, want none", got)
	}
}

// TestDrainDoesNotWaitForHalfHeads: a client cannot hold the drain up with a request head that never ends.
func TestDrainDoesNotWaitForHalfHeads(t *testing.T) {
	t.Parallel()
	g := serve(t, Config{HeaderTimeout: time.Minute}, hub.TopicConfig{})
	for range 5 {
		g.dial().write("GET /sse HT")
	}
	g.eventually("heads under way", func(s *Snapshot) bool { return s.Sessions[HTTP][Handshake] == 5 })
	g.drain(100 * time.Millisecond)
	g.eventually("all are closing", func(s *Snapshot) bool { return s.Sessions[HTTP][Handshake] == 0 })
}
