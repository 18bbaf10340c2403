package epoll

import (
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// dialer runs a loop without a listener.
func dialer(t *testing.T, h *hooks) *node {
	t.Helper()
	return start(t, Config{}, NewSlab[state](maxFD), h, noAddr)
}

func TestDialSpreadsSourceAddresses(t *testing.T) {
	server := serve(t, Config{}, &hooks{})
	n := dialer(t, &hooks{})
	for _, source := range []string{"127.0.0.1", "127.0.0.2", "127.200.3.4", "127.255.255.254"} {
		local := netip.AddrPortFrom(netip.MustParseAddr(source), 0)
		n.do(func() {
			c, err := n.Dial(local, server.addr)
			if err != nil {
				t.Error(err)
				return
			}
			if c.Peer() != server.addr {
				t.Errorf("client: got peer %s, want %s", c.Peer(), server.addr)
			}
		})
		n.next()
		sc := server.next()
		server.do(func() {
			if got := sc.Peer().Addr(); got != local.Addr() {
				t.Errorf("server: got peer %s, want %s", got, local.Addr())
			}
		})
	}
}

func TestDialFromAGivenPort(t *testing.T) {
	server := serve(t, Config{}, &hooks{})
	free, err := Reserve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	n := dialer(t, &hooks{})
	n.do(func() {
		if _, err := n.Dial(free.Addr, server.addr); err != nil {
			t.Error(err)
		}
	})
	sc := server.next()
	server.do(func() {
		if got := sc.Peer(); got != free.Addr {
			t.Errorf("got peer %s, want %s", got, free.Addr)
		}
	})
}

func TestDialErrorsThatAreKnownAtOnce(t *testing.T) {
	n := dialer(t, &hooks{})
	tests := []struct {
		name          string
		local, remote string
		want          error
	}{
		{"unreachable", "", "224.0.0.1:80", unix.ENETUNREACH},
		{"source not ours", "192.0.2.1:0", "127.0.0.1:80", unix.EADDRNOTAVAIL},
		{"source of the other family", "[::1]:0", "127.0.0.1:80", unix.EAFNOSUPPORT},
	}
	for _, tt := range tests {
		var local netip.AddrPort
		if tt.local != "" {
			local = netip.MustParseAddrPort(tt.local)
		}
		n.do(func() {
			if _, err := n.Dial(local, netip.MustParseAddrPort(tt.remote)); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		})
	}
	if len(n.ends) != 0 || n.slab.Open() != 0 || n.stats().Conns != 0 {
		t.Errorf("got %d ends, %d open, want nothing to follow", len(n.ends), n.slab.Open())
	}
}

func TestDialRefused(t *testing.T) {
	free, err := Reserve("127.0.0.1:0") // bound, but nobody listens
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	n := dialer(t, &hooks{open: func(*loop, *conn) { t.Error("got OnOpen, want a failure") }})
	n.do(func() {
		c, err := n.Dial(netip.AddrPort{}, free.Addr)
		if err != nil {
			t.Error(err)
			return
		}
		c.State().id = 7
	})
	if got := n.closing(); got.reason != DialFailed || !errors.Is(got.err, unix.ECONNREFUSED) {
		t.Errorf("got %v, %v, want %v, ECONNREFUSED", got.reason, got.err, DialFailed)
	}
	n.do(func() {})
	if n.slab.Open() != 0 {
		t.Errorf("got %d open, want none", n.slab.Open())
	}
}

// A listener whose queue is full leaves the client in SYN_SENT.
func fullListener(t *testing.T) (addr netip.AddrPort, closeIt func()) {
	t.Helper()
	fd, err := bind("127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	if addr, err = localAddr(fd); err != nil {
		t.Fatal(err)
	}
	dial(t, addr) // a backlog of 0 holds one
	open := true
	closeIt = func() {
		if open {
			_ = unix.Close(fd)
		}
		open = false
	}
	t.Cleanup(closeIt)
	return addr, closeIt
}

func TestDialFailsLater(t *testing.T) {
	addr, closeIt := fullListener(t)
	n := dialer(t, &hooks{open: func(*loop, *conn) { t.Error("got OnOpen, want a failure") }})
	n.do(func() {
		c, err := n.Dial(netip.AddrPort{}, addr)
		if err != nil {
			t.Error(err)
			return
		}
		n.PauseRead(c) // must not hide the outcome
		if got := n.Send(c, []byte("x")); got != Blocked {
			t.Errorf("send before the connection is established: got status %d, want Blocked", got)
		}
		if got := n.Write(c, []byte("x")); got != Failed {
			t.Errorf("write before the connection is established: got status %d, want Failed", got)
		}
	})
	closeIt() // the kernel tries again after a second, and is refused
	if got := n.closing(); got.reason != DialFailed || !errors.Is(got.err, unix.ECONNREFUSED) {
		t.Errorf("got %v, %v, want %v, ECONNREFUSED", got.reason, got.err, DialFailed)
	}
}

func TestPauseReadWhileDialing(t *testing.T) {
	server := serve(t, Config{}, &hooks{})
	heard := make(chan string, 10)
	n := dialer(t, &hooks{data: func(_ *loop, _ *conn, b []byte) int { heard <- string(b); return len(b) }})
	n.do(func() {
		c, err := n.Dial(netip.AddrPort{}, server.addr)
		if err != nil {
			t.Error(err)
			return
		}
		n.PauseRead(c)
	})
	c, sc := n.next(), server.next()
	server.do(func() { server.Write(sc, []byte("hello")) })
	n.do(func() {})
	if len(heard) != 0 {
		t.Errorf("while paused: got %q, want nothing", <-heard)
	}
	n.do(func() { n.ResumeRead(c) })
	if got := await(t, heard, "the greeting"); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
}

func TestDialIsGivenUp(t *testing.T) {
	addr, _ := fullListener(t)
	for name, end := range map[string]func(*node, *conn){
		"close":    func(n *node, c *conn) { n.Close(c, reasonDone) },
		"reset":    func(n *node, c *conn) { n.Reset(c, reasonDone) },
		"deadline": func(n *node, c *conn) { n.SetTimer(c, Tick) },
	} {
		n := dialer(t, &hooks{timer: func(l *loop, c *conn) { l.Reset(c, reasonDone) }})
		n.do(func() {
			c, err := n.Dial(netip.AddrPort{}, addr)
			if err != nil {
				t.Error(err)
				return
			}
			end(n, c)
		})
		if got := n.closing(); got.reason != reasonDone || got.err != nil {
			t.Errorf("%s: got %v, %v, want the owner's reason", name, got.reason, got.err)
		}
	}
}

func TestDialOverIPv6(t *testing.T) {
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{data: echo})
	var err error
	if n.addr, err = n.Listen("[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	n.run()
	client := dialer(t, &hooks{})
	client.do(func() {
		if _, err := client.Dial(netip.MustParseAddrPort("[::1]:0"), n.addr); err != nil {
			t.Error(err)
		}
	})
	client.next()
	sc := n.next()
	n.do(func() {
		if got := sc.Peer().Addr().String(); got != "::1" {
			t.Errorf("got peer %s, want ::1", got)
		}
	})
}
