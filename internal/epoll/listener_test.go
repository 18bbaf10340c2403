package epoll

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// refusal is a Refusal that names the reason.
func refusal(r Reason) []byte { return []byte("503 " + r.String()) }

func TestMaxConnsHoldsForAllLoops(t *testing.T) {
	cfg := Config{MaxConns: 5, Refusal: refusal}
	slab := NewSlab[state](maxFD)
	a := start(t, cfg, slab, &hooks{data: echo}, "127.0.0.1:0")
	b := start(t, cfg, slab, &hooks{data: echo}, a.addr.String())
	refused := func() uint64 {
		sa, sb := a.stats(), b.stats()
		return sa.Refused(RefusedMaxConns) + sb.Refused(RefusedMaxConns)
	}
	var clients []*client
	for range cfg.MaxConns {
		c := dial(t, a.addr)
		c.write("ping")
		c.expect("ping")
		clients = append(clients, c)
	}
	const more = 20
	for range more {
		c := dial(t, a.addr)
		if got, want := c.rest(), string(refusal(RefusedMaxConns)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		_ = c.Close()
	}
	if got := refused(); got != more || slab.Open() != cfg.MaxConns {
		t.Errorf("got %d refused, %d open, want %d, %d", got, slab.Open(), more, cfg.MaxConns)
	}
	_ = clients[0].Close()
	eventually(t, "there is room again", func() bool { return slab.Open() == cfg.MaxConns-1 })
	c := dial(t, a.addr)
	c.write("ping")
	c.expect("ping")
}

// A client that has sent its request before it is refused gets the answer, not a reset.
func TestRefusalIsReadAfterARequest(t *testing.T) {
	n := idle(t, Config{MaxConns: 1, Refusal: refusal}, NewSlab[state](maxFD), &hooks{})
	admitted(t, n)
	var err error
	if n.addr, err = n.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c := dial(t, n.addr)
	c.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n") // waits in the socket by the time it is accepted
	n.run()
	if got, want := c.rest(), string(refusal(RefusedMaxConns)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefusalByClosing(t *testing.T) {
	n := serve(t, Config{MaxConns: 1}, &hooks{})
	n.connect()
	if got := dial(t, n.addr).rest(); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestDescriptorBeyondTheTableIsRefused(t *testing.T) {
	n := start(t, Config{Refusal: refusal}, &Slab[state]{}, &hooks{}, "127.0.0.1:0")
	c := dial(t, n.addr)
	if got, want := c.rest(), string(refusal(RefusedNoFile)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := n.stats(); s.Refused(RefusedNoFile) != 1 || s.Conns != 0 || n.slab.Open() != 0 {
		t.Errorf("got %d refused, %d connections, %d open, want 1, 0, 0", s.Refused(RefusedNoFile), s.Conns, n.slab.Open())
	}
}

func TestPauseAccept(t *testing.T) {
	n := serve(t, Config{}, &hooks{data: echo})
	n.do(func() { n.PauseAccept(); n.PauseAccept() })
	c := dial(t, n.addr) // the kernel completes the handshake
	c.write("ping")
	n.do(func() {})
	if got := n.stats().Accepted; got != 0 {
		t.Errorf("while paused: got %d accepted, want 0", got)
	}
	n.do(func() { n.ResumeAccept(); n.ResumeAccept() })
	c.expect("ping")
}

// A pause of the owner's outlasts one for want of descriptors.
func TestPausesDoNotShortenEachOther(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	n.do(func() {
		n.pause(0, pausedTick)
		n.PauseAccept()
		n.pause(0, pausedTick)
		n.resumeListeners()
		if got := n.listeners[0].paused; got != pausedOwner {
			t.Errorf("after the tick: got %d, want the owner's pause", got)
		}
		n.ResumeAccept()
		n.pause(0, pausedTick)
		n.ResumeAccept() // nothing of the owner's to undo
		if got := n.listeners[0].paused; got != pausedTick {
			t.Errorf("after ResumeAccept: got %d, want the pause until the tick", got)
		}
	})
	n.connect() // the tick ends it
}

func TestPauseFromOnOpen(t *testing.T) {
	n := serve(t, Config{}, &hooks{open: func(l *loop, _ *conn) { l.PauseAccept() }})
	const conns = 5
	for range conns {
		dial(t, n.addr)
	}
	for i := range conns {
		n.next()
		if got := n.stats().Accepted; got != uint64(i+1) {
			t.Errorf("got %d accepted, want %d: one for each ResumeAccept", got, i+1)
		}
		n.do(n.ResumeAccept)
	}
}

func TestStopListeningServesTheQueue(t *testing.T) {
	n := serve(t, Config{}, &hooks{data: echo, open: func(l *loop, _ *conn) { l.StopListening() }}) // and again from within
	n.do(n.PauseAccept)
	clients := make([]*client, 20)
	for i := range clients {
		clients[i] = dial(t, n.addr)
	}
	n.do(n.StopListening)
	for _, c := range clients {
		c.write("ping")
		c.expect("ping")
	}
	n.do(n.StopListening)
	if c, err := net.DialTimeout("tcp", n.addr.String(), patience); err == nil {
		_ = c.Close()
		t.Error("after StopListening: got a connection, want a refusal")
	}
	n.do(func() {
		if len(n.listeners) != 0 {
			t.Errorf("got %d listeners, want none", len(n.listeners))
		}
	})
	n.do(n.ResumeAccept)
}

// The event of a listener that was stopped within the batch must not reach whoever has the descriptor's entry.
func TestStaleEventOfAStoppedListener(t *testing.T) {
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{})
	if _, err := n.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	fd := n.listeners[0].fd
	n.StopListening()
	if err := n.event(fd, unix.EPOLLIN, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		t.Errorf("within the batch: got %v, want a descriptor that is still taken", err)
	}
	n.closeListeners()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
		t.Error("after the batch: got a descriptor, want it closed")
	}
}

func TestListenOnIPv6(t *testing.T) {
	slab := NewSlab[state](maxFD)
	n := idle(t, Config{}, slab, &hooks{data: echo})
	var err error
	if n.addr, err = n.Listen("[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	n.run()
	c, sc := n.connect()
	c.write("ping")
	c.expect("ping")
	n.do(func() {
		if got, want := sc.Peer(), c.local(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestListenOnEveryAddressKnowsIPv4Peers(t *testing.T) {
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{})
	any6, err := n.Listen(":0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	n.addr = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), any6.Port())
	n.run()
	c, sc := n.connect()
	n.do(func() {
		if got, want := sc.Peer(), c.local(); got != want || !got.Addr().Is4() {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestListenErrors(t *testing.T) {
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{})
	for _, addr := range []string{"nowhere", "127.0.0.1:99999", "192.0.2.1:0"} { // the last one is not this machine's
		if got, err := n.Listen(addr); err == nil {
			t.Errorf("listen on %s: got %s, want an error", addr, got)
		}
	}
}

// Many short connections on several loops, ended from either side, in order or by reset, and also by the events of
// others: nobody may ever see another's bytes or state.
func TestShortConnectionsNeverMix(t *testing.T) {
	slab := NewSlab[state](maxFD)
	var nodes []*node
	addr := "127.0.0.1:0"
	for range 3 {
		w := &warden{t: t, last: none}
		n := start(t, Config{}, slab, &hooks{data: w.data, closed: w.closed}, addr)
		nodes, addr = append(nodes, n), n.addr.String()
	}
	stop := make(chan struct{})
	for _, n := range nodes {
		go func() { // nobody needs to know of every end
			for {
				select {
				case <-n.ends:
				case <-n.opened:
				case <-stop:
					return
				}
			}
		}()
	}
	const workers, rounds = 8, 150
	failed := make(chan error, workers)
	for w := range workers {
		go func() { failed <- visit(addr, w, rounds) }()
	}
	for range workers {
		if err := await(t, failed, "the clients"); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "all connections are closed", func() bool { return slab.Open() == 0 })
	close(stop)
}

const tokenLen = 16

// warden is the hooks of one loop that see to it that connections do not mix.
type warden struct {
	t     *testing.T
	last  int32 // the connection that spoke last, if it lives
	calls int
}

// data echoes a connection's tokens, checks that they are always the same, and ends some connections: its own, and the
// one that spoke before it, which may have an event in the same batch.
func (w *warden) data(l *loop, c *conn, b []byte) (used int) {
	for ; len(b)-used >= tokenLen; used += tokenLen {
		var id uint64
		if _, err := fmt.Sscanf(string(b[used:used+tokenLen]), "%016x", &id); err != nil {
			w.t.Errorf("got %q, want a token", b[used:used+tokenLen])
		}
		if s := c.State(); s.count > 0 && s.id != id {
			w.t.Errorf("got the token %x on the connection of %x", id, s.id)
		}
		c.State().id = id
		c.State().count++
		l.Write(c, b[used:used+tokenLen])
	}
	w.calls++
	switch {
	case w.calls%3 == 0:
		l.Close(c, reasonDone)
	case w.calls%5 == 0:
		l.Reset(c, reasonDone)
	case w.calls%7 == 0 && w.last != none:
		l.Reset(l.At(w.last), reasonDone)
	}
	w.last = none
	if c.Alive() {
		w.last = c.FD()
	}
	return used
}

// closed checks that the state is still the connection's own, and marks it as used.
func (w *warden) closed(_ *loop, c *conn, _ Reason, _ error) {
	const used = 1 << 63
	if c.State().id&used != 0 {
		w.t.Errorf("descriptor %d: OnClose twice for one connection", c.FD())
	}
	c.State().id |= used
	if w.last == c.FD() {
		w.last = none // from now on it may be another loop's
	}
}

// visit connects rounds times, says its token up to three times, and checks that nothing else comes back.
func visit(addr string, worker, rounds int) error {
	for i := range rounds {
		c, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			if isReset(err) {
				continue
			}
			return err
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		token := fmt.Sprintf("%016x", worker<<32|i+1)
		for range 1 + i%3 {
			if _, err := io.WriteString(c, token); err != nil {
				break // the server may end it at any time
			}
		}
		buf := make([]byte, tokenLen)
		for range 1 + i%3 {
			if n, err := io.ReadFull(c, buf); err != nil || string(buf) != token {
				if err == nil || n > 0 && string(buf[:n]) != token[:n] {
					_ = c.Close()
					return fmt.Errorf("got %q, want %q", buf[:n], token)
				}
				break
			}
		}
		if i%4 == 0 {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Close()
	}
	return nil
}
