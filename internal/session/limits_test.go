package session

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/trial"
)

// A request head has its time, however busily it comes. Who has sent something is told so; who has sent nothing is not,
// for a browser that connected in advance would take that for the answer to its first request.
func TestHeaderTimeout(t *testing.T) {
	t.Parallel()
	trial.Grow(t, time.Second, func(t testing.TB, unit time.Duration) {
		g := serve(t, Config{HeaderTimeout: unit, Heartbeat: time.Hour}, hub.TopicConfig{})
		started := time.Now()
		silent, half, busy, head := g.dial(), g.dial(), g.dial(), g.dial()
		half.write("GET /sse HTTP/1.1\r\nHost: x\r\n")
		head.write("HEAD /sse HTTP/1.1\r\nHost: x\r\n")
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for _, b := range "GET /" + strings.Repeat("x", 1000) {
				select {
				case <-stop:
					return
				case <-time.After(unit / 100):
					_, _ = io.WriteString(busy, string(b))
				}
			}
		}()
		checkResponse(t, busy.rest(), http.MethodGet, http.StatusRequestTimeout, "header_timeout")
		if took := time.Since(started); took < unit/2 {
			t.Errorf("got the end after %v, want about %v", took, unit)
		}
		select {
		case <-stopped:
			t.Error("got the end after the last byte, want it while they still come")
		default:
		}
		close(stop)
		await(t, stopped, "the busy client's end")
		checkResponse(t, half.rest(), http.MethodGet, http.StatusRequestTimeout, "header_timeout")
		silent.end()
		silent.intact()
		if got := head.rest(); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
			t.Errorf("HEAD: got %q, want 408", got)
		}
		for _, c := range []*client{silent, half, busy, head} {
			_ = c.Close()
		}
		g.closed(HeaderTimeout, 4)
		if got := g.snapshot().Refused["header_timeout"]; got != 3 {
			t.Errorf("refused: got %d, want those that had sent something", got)
		}
	})
}

// A session that is open has no header timeout.
func TestHeaderTimeoutEndsWithTheHead(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 500*time.Millisecond, func(t testing.TB, unit time.Duration) {
		g := serve(t, Config{HeaderTimeout: unit}, hub.TopicConfig{})
		c, late := g.sse("/sse"), g.dial()
		g.subscribed(1)
		late.end() // longer than that
		g.publish("still there")
		c.event("id: e-1\ndata: still there\n")
	})
}

// Beyond the handshake backlog, connections wait in the kernel's queue; they are let in as others complete their heads.
func TestHandshakeBacklog(t *testing.T) {
	const backlog, clients = 8, 30
	g := serve(t, Config{HandshakeBacklog: backlog, HeaderTimeout: time.Minute}, hub.TopicConfig{})
	var waiting []*client
	for range clients {
		waiting = append(waiting, g.dial())
	}
	g.eventually("a full backlog", func(s *Snapshot) bool { return s.Sessions[HTTP][Handshake] == backlog })
	for done, c := range waiting {
		s := g.snapshot()
		if s.Sessions[HTTP][Handshake] > backlog || s.Loop.Accepted > uint64(backlog+done) {
			t.Fatalf("after %d requests: got %d in handshake, %d accepted, want at most %d at a time",
				done, s.Sessions[HTTP][Handshake], s.Loop.Accepted, backlog)
		}
		switch done % 3 { // every way out of the handshake makes room
		case 0:
			c.open(request("/sse"), http.StatusOK)
		case 1:
			c.open(request("/nope"), http.StatusNotFound)
		case 2:
			_ = c.Close()
		}
	}
	g.eventually("all accepted", func(s *Snapshot) bool { return s.Loop.Accepted == clients && s.Sessions[SSE][Open] == clients/3 })
	if s := g.snapshot(); s.BacklogPauses < 2 || len(s.Refused) != 1 || s.Refused["not_found"] != clients/3 {
		t.Errorf("got %d pauses, refused %v, want several pauses and nobody turned away for them", s.BacklogPauses, s.Refused)
	}
}

// At capacity a client is told when to come back, before it has asked for anything.
func TestMaxConns(t *testing.T) {
	const most = 3
	g := serve(t, Config{Sockets: epoll.Config{MaxConns: most}}, hub.TopicConfig{})
	var open []*client
	for range most {
		open = append(open, g.sse("/sse"))
	}
	for n := range uint64(20) {
		c := g.dial()
		got := c.rest()
		checkResponse(t, got, http.MethodGet, http.StatusServiceUnavailable, "at_capacity")
		if !strings.Contains(got, "\r\nRetry-After: ") {
			t.Errorf("got %q, want Retry-After", got)
		}
		if s := g.snapshot(); s.Refused["max_conns"] != n+1 || s.Loop.Conns != most {
			t.Errorf("got %d refused, %d connections, want %d and %d", s.Refused["max_conns"], s.Loop.Conns, n+1, most)
		}
	}
	_ = open[0].Close()
	g.eventually("room", func(s *Snapshot) bool { return s.Loop.Conns < most })
	g.sse("/sse")
	g.subscribed(most)
}
