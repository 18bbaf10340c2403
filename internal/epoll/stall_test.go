package epoll

import (
	"bytes"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNoSpinWithoutMemory: a socket that has room while the kernel has no memory to fill it is tried once a tick, and goes on as soon as there is
// memory. The send that ends with ENOBUFS is played by short, which is what Send calls then.
func TestNoSpinWithoutMemory(t *testing.T) {
	const without = 5 * Tick
	var tries int
	var since time.Time
	message := []byte("at last")
	try := func(l *loop, c *conn) {
		tries++
		if time.Since(since) < without {
			l.short(c, 0, unix.ENOBUFS)
			return
		}
		l.Send(c, message)
	}
	n := serve(t, Config{}, &hooks{writable: try})
	c, sc := n.connect()
	n.do(func() {
		since = time.Now()
		try(n.loop, sc)
	})
	got := make([]byte, len(message))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, message) {
		t.Errorf("got %q, %v, want %q", got, err, message)
	}
	n.do(func() {
		if limit := 2 + int(time.Since(since)/Tick) + 1; tries > limit {
			t.Errorf("got %d tries, want at most %d, one in a tick", tries, limit)
		}
		if len(n.stalls) != 0 || sc.IsBlocked() {
			t.Errorf("got %d stalled, blocked %t, want nothing left of it", len(n.stalls), sc.IsBlocked())
		}
	})
}

// TestStalledRest: the rest of a frame goes out too, whether its turn comes by epoll or by the tick, and in order.
func TestStalledRest(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c, sc := n.connect()
	frame := noise(1, 8<<20)
	n.do(func() {
		if got := n.Send(sc, frame); got != Partial {
			t.Errorf("got status %d, want Partial", got)
		}
		for tries := 0; len(n.stalls) == 0 && tries < 1000; tries++ {
			n.flush(sc) // as if epoll had said that there is room; the peer does not read yet
		}
		if len(n.stalls) != 1 || n.Unsent(sc) == 0 {
			t.Errorf("got %d stalled with %d unsent after flushes that sent nothing, want 1", len(n.stalls), n.Unsent(sc))
		}
	})
	got := make([]byte, len(frame))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, frame) {
		t.Errorf("got other bytes than were sent, %v", err)
	}
	n.do(func() {
		if n.Unsent(sc) != 0 || sc.IsBlocked() {
			t.Errorf("got %d unsent, blocked %t, want nothing", n.Unsent(sc), sc.IsBlocked())
		}
	})
}

// TestStalledEnds: a connection that ended while it waited is left alone, and so is the next one with its descriptor.
func TestStalledEnds(t *testing.T) {
	n := serve(t, Config{}, &hooks{writable: func(l *loop, c *conn) { l.short(c, 0, unix.ENOBUFS) }})
	_, sc := n.connect()
	n.do(func() { n.short(sc, 0, unix.ENOBUFS) })
	eventually(t, "stall", func() (is bool) {
		n.do(func() { is = len(n.stalls) > 0 })
		return is
	})
	n.do(func() {
		before := n.stalls[0]
		n.stalls[0].gen--
		n.resumeStalled() // of an entry that is another connection's by now
		n.stalls = append(n.stalls, before)
		n.Reset(sc, reasonDone)
		n.resumeStalled()
	})
	if got := n.closing(); got.reason != reasonDone {
		t.Errorf("got reason %s, want the one of the reset", got.reason)
	}
	if got := n.stats(); got.BlockedConns != 0 || got.Conns != 0 {
		t.Errorf("got %d blocked of %d connections, want none", got.BlockedConns, got.Conns)
	}
}
