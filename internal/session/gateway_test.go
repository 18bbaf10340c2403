package session

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
)

const (
	// patience is how long a test waits for what must happen.
	patience = time.Minute
	// maxFD is as many descriptors as the tests can need.
	maxFD = 20_000
)

// tight makes sockets that fill after a few kilobytes.
var tight = epoll.Config{SndBuf: 4 << 10, Linger: patience}

// gateway is one loop with a hub of its own, listening on loopback. Its default topic is "ticks".
type gateway struct {
	*Loop
	t    testing.TB
	hub  *hub.Hub
	addr string
	seq  uint64
}

// serve runs a gateway whose topics are all configured alike until the test ends. Then it checks the books.
func serve(t testing.TB, cfg Config, topics hub.TopicConfig) *gateway {
	t.Helper()
	return serveHub(t, cfg, hub.New(hub.Config{Epoch: "e", Topic: func(string) hub.TopicConfig { return topics }}))
}

// serveHub is serve for a hub that the test has made.
func serveHub(t testing.TB, cfg Config, h *hub.Hub) *gateway {
	t.Helper()
	g := &gateway{t: t, hub: h}
	cfg.Hub, cfg.DefaultTopic = g.hub, "ticks"
	var err error
	if g.Loop, err = NewLoop(cfg, epoll.NewSlab[State](maxFD)); err != nil {
		t.Fatal(err)
	}
	bound, err := g.epoll.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = bound.String()
	ended := make(chan error, 1)
	go func() { ended <- g.Run() }()
	t.Cleanup(func() {
		select {
		case <-g.epoll.Done(): // the test has ended it
		default:
			g.checkBooks()
		}
		g.Stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return g
}

// checkBooks waits until all clients are gone and checks that nothing is left of them, and that every one of them has
// been counted in and out.
func (g *gateway) checkBooks() {
	g.t.Helper()
	g.eventually("the end of all connections", func(s *Snapshot) bool { return s.Loop.Conns == 0 })
	s := g.snapshot()
	ended := s.Refused["max_conns"] + s.Refused["nofile"] + s.Loop.Refused(epoll.RefusedAdmission)
	for _, n := range s.Closed {
		ended += n
	}
	if s.Loop.Accepted != ended {
		g.t.Errorf("got %d connections accepted and %d ended (%v), want as many", s.Loop.Accepted, ended, s.Closed)
	}
	s.EachSession(func(tr Transport, p Phase, n int) {
		if n != 0 {
			g.t.Errorf("sessions left: got %d in %s/%s, want none", n, tr, p)
		}
	})
	if s.Loop.UnsentBytes != 0 || s.Loop.BlockedConns != 0 || s.Fanout.Subscriptions != 0 {
		g.t.Errorf("left: got %d bytes unsent, %d sockets blocked, %d subscriptions, want none",
			s.Loop.UnsentBytes, s.Loop.BlockedConns, s.Fanout.Subscriptions)
	}
	for _, reason := range []epoll.Reason{epoll.LeftoverExceeded, epoll.PendingExceeded} {
		if n := s.Closed[reason.String()]; n != 0 {
			g.t.Errorf("closed with %s: got %d, want none: the session's own limits come first", reason, n)
		}
	}
	g.do(func() {
		if e := &g.envelopes; e.held != 0 || len(e.partial)+len(e.flying)+len(e.leases)+len(e.aside) != 0 {
			g.t.Errorf("left: got %d bytes of %d and %d commands, %d publishers, %d leases, want none", e.held, len(e.partial), len(e.aside), len(e.flying), len(e.leases))
		}
		if len(g.waiting)+len(g.openings.ready) != 0 {
			g.t.Errorf("left: got %d requests that wait, %d that may go on, want none", len(g.waiting), len(g.openings.ready))
		}
		for pattern, waiting := range g.openings.asked {
			if len(waiting) != 0 {
				g.t.Errorf("left: got %d waiting for %s, want none", len(waiting), pattern)
			}
		}
		if g.handshakes != 0 || g.held {
			g.t.Errorf("left: got %d handshakes, accepting held %t, want none", g.handshakes, g.held)
		}
	})
}

// publish publishes a payload to the default topic.
func (g *gateway) publish(payload string) {
	g.send(hub.Publication{Payload: []byte(payload)})
}

// send publishes p under the next sequence, unless p has one.
func (g *gateway) send(p hub.Publication) {
	g.t.Helper()
	g.seq = max(g.seq+1, p.Seq)
	p.Seq, p.Time = g.seq, time.Now()
	if p.Topic == "" {
		p.Topic = "ticks"
	}
	if !g.hub.Publish(p) {
		g.t.Fatalf("publish %d to %s: refused", p.Seq, p.Topic)
	}
}

// do runs f on the loop and waits for it.
func (g *gateway) do(f func()) {
	g.t.Helper()
	done := make(chan struct{})
	if !g.epoll.Post(func() { defer close(done); f() }) {
		g.t.Fatal("post: the loop has ended")
	}
	await(g.t, done, "a posted function")
}

// drain begins a drain and waits until it has begun.
func (g *gateway) drain(d time.Duration) {
	g.t.Helper()
	g.Drain(d)
	g.do(func() {})
}

func (g *gateway) snapshot() Snapshot {
	g.t.Helper()
	s, ok := g.Snapshot(patience)
	if !ok {
		g.t.Fatal("snapshot: the loop did not answer")
	}
	return s
}

// eventually polls a condition on the loop's counters.
func (g *gateway) eventually(what string, cond func(*Snapshot) bool) {
	g.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s := g.snapshot()
		if cond(&s) {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("%s: not within %v, last counters %+v", what, patience, s)
		}
	}
}

// subscribed waits for n subscriptions: what is published from then on reaches them.
func (g *gateway) subscribed(n int) {
	g.t.Helper()
	g.eventually("subscriptions", func(s *Snapshot) bool { return s.Fanout.Subscriptions == n })
}

// blocked waits for n full sockets.
func (g *gateway) blocked(n int) {
	g.t.Helper()
	g.eventually("blocked sockets", func(s *Snapshot) bool { return s.Loop.BlockedConns == n })
}

// closed waits until n connections have ended for a reason.
func (g *gateway) closed(reason epoll.Reason, n uint64) {
	g.t.Helper()
	g.eventually(ReasonName(reason), func(s *Snapshot) bool { return s.Closed[ReasonName(reason)] == n })
}

// await receives from ch, or fails the test.
func await[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("%s did not come within %v", what, patience)
	}
	return v
}

func (g *gateway) dial() *client {
	g.t.Helper()
	return g.dialWith(nil)
}

// sleeper opens a client that has little room for what it does not read.
func (g *gateway) sleeper() *client {
	g.t.Helper()
	return g.dialWith(func(_, _ string, rc syscall.RawConn) (err error) {
		failed := rc.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10)
		})
		if failed != nil {
			return failed
		}
		return err
	})
}

func (g *gateway) dialWith(control func(_, _ string, _ syscall.RawConn) error) *client {
	g.t.Helper()
	d := net.Dialer{Control: control, Timeout: patience}
	c, err := d.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = c.Close() })
	return newClient(g.t, c.(*net.TCPConn))
}

// text returns n bytes of text.
func text(n int) string { return strings.Repeat("price ", n/6+1)[:n] }
