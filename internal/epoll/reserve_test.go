package epoll

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReserveGivesAPortForLoopsToShare(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]", ""} {
		r, err := Reserve(host + ":0")
		if err != nil {
			if host != "127.0.0.1" {
				t.Logf("no IPv6 here: %v", err)
				continue
			}
			t.Fatal(err)
		}
		if r.Addr.Port() == 0 {
			t.Errorf("%s: got port 0, want the one that was given", host)
		}
		if c, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", host, r.Addr.Port()), patience); err == nil {
			_ = c.Close()
			t.Errorf("%s: got a connection to a reservation, want a refusal", host)
		}
		slab := NewSlab[state](maxFD)
		a := start(t, Config{}, slab, &hooks{data: echo}, r.Addr.String())
		b := start(t, Config{}, slab, &hooks{data: echo}, r.Addr.String())
		if a.addr != r.Addr || b.addr != r.Addr {
			t.Errorf("got listeners on %s and %s, want %s", a.addr, b.addr, r.Addr)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		c := dial(t, netip.AddrPortFrom(loopback(r.Addr.Addr()), r.Addr.Port()))
		c.write("ping")
		c.expect("ping")
	}
}

// loopback returns an address to reach a listener at.
func loopback(a netip.Addr) netip.Addr {
	if a.IsUnspecified() {
		return netip.MustParseAddr("127.0.0.1")
	}
	return a
}

func TestReserveFindsOutWhatIsTaken(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	reserved, err := Reserve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer reserved.Close()
	for name, addr := range map[string]string{
		"somebody else's listener":       plain.Addr().String(),
		"our own kind's listener":        serve(t, Config{}, &hooks{}).addr.String(),
		"a reservation before listeners": reserved.Addr.String(),
	} {
		r, err := Reserve(addr)
		if !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("%s: got %v, want EADDRINUSE", name, err)
		}
		if err == nil {
			_ = r.Close()
		}
	}
}

// TestReserveAtTheSameTime: of several gateways that start at the same moment one gets the port.
func TestReserveAtTheSameTime(t *testing.T) {
	free, err := Reserve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr.String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		const gateways = 8
		var group sync.WaitGroup
		got := make(chan *Reservation, gateways)
		for range gateways {
			group.Go(func() {
				r, err := Reserve(addr)
				switch {
				case err == nil:
					got <- r
				case !errors.Is(err, unix.EADDRINUSE):
					t.Error(err)
				}
			})
		}
		group.Wait()
		close(got)
		if n := len(got); n != 1 {
			t.Errorf("got %d reservations of one port, want 1", n)
		}
		for r := range got {
			_ = r.Close()
		}
	}
}

// A restart must not wait for the connections that the last run has closed.
func TestReserveGetsPastTimeWait(t *testing.T) {
	n := serve(t, Config{}, &hooks{data: func(l *loop, c *conn, b []byte) int {
		l.Close(c, reasonDone) // whoever closes first ends in TIME_WAIT
		return len(b)
	}})
	c, _ := n.connect()
	c.write("x")
	c.rest()
	_ = c.Close()
	n.closing()
	n.Stop()
	await(t, n.Done(), "the end of Run")
	if _, found := kernelSocket(t, n.addr, c.local()); !found {
		t.Fatal("got no connection in TIME_WAIT, want one")
	}
	r, err := Reserve(n.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	start(t, Config{}, NewSlab[state](maxFD), &hooks{}, r.Addr.String()).connect()
}

func TestReserveErrors(t *testing.T) {
	for _, addr := range []string{"nowhere", "127.0.0.1:99999", "192.0.2.1:0"} { // the last one is not this machine's
		if r, err := Reserve(addr); err == nil {
			_ = r.Close()
			t.Errorf("reserve %s: got %s, want an error", addr, r.Addr)
		}
	}
}
