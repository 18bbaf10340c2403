package epoll

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// drainUntilReset reads what arrived before the reset and returns how much that was.
func (c *client) drainUntilReset() int64 {
	c.t.Helper()
	n, err := io.Copy(io.Discard, c)
	if !isReset(err) {
		c.t.Errorf("client: got %v after %d bytes, want a reset", err, n)
	}
	return n
}

func TestResetGivesKernelMemoryBack(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c := sleeper(t, n.addr)
	sc := n.next()
	n.do(func() {
		fill(n.loop, sc, noise(1, 500_000))
		if queued(sc.FD()) == 0 {
			t.Error("got nothing in the send buffer, want a full one")
		}
		n.Reset(sc, reasonEvicted)
	})
	if got := n.closing(); got.reason != reasonEvicted || got.err != nil {
		t.Errorf("got %v, %v, want the eviction", got.reason, got.err)
	}
	n.do(func() {}) // the descriptor is closed right behind OnClose
	if queue, found := kernelSocket(t, n.addr, c.local()); found {
		t.Errorf("got a socket with %d bytes queued in the kernel, want none", queue)
	}
	c.drainUntilReset()
}

// What a client sends while the answer is on its way must not destroy the answer: closing a socket with unread bytes
// would send RST instead of FIN (RFC 2525 §2.17).
func TestCloseDeliversEverythingBeforeTheFIN(t *testing.T) {
	answer := noise(2, 300_000)
	n := serve(t, tight, &hooks{data: func(l *loop, c *conn, b []byte) int {
		l.Send(c, answer)
		l.Write(c, []byte("goodbye"))
		l.Close(c, reasonDone)
		return 1 // not even all of the first read
	}})
	c, _ := n.connect()
	go func() { _, _ = c.Write(noise(3, 200_000)) }() // far more than is ever read as a request
	if got := c.rest(); got != string(answer)+"goodbye" {
		t.Errorf("got %d bytes, want %d, equal", len(got), len(answer)+len("goodbye"))
	}
	_ = c.Close()
	if got := n.closing(); got.reason != reasonDone {
		t.Errorf("got %v, %v, want the owner's reason", got.reason, got.err)
	}
	if s := n.stats(); s.UnsentBytes != 0 || s.BlockedConns != 0 {
		t.Errorf("got %d bytes unsent, %d blocked, want none", s.UnsentBytes, s.BlockedConns)
	}
	n.do(func() {
		if n.leftover.inUse() != 0 {
			t.Errorf("got %d leftovers, want none", n.leftover.inUse())
		}
	})
}

func TestCloseGoesOnFlushingAfterThePeersFIN(t *testing.T) {
	answer := noise(4, 1<<20)
	n := serve(t, tight, &hooks{data: func(l *loop, c *conn, b []byte) int {
		if got := l.Send(c, answer); got != Partial {
			t.Errorf("got status %d, want Partial", got)
		}
		l.Close(c, reasonDone)
		return len(b)
	}})
	c := sleeper(t, n.addr)
	sc := n.next()
	c.write("request")
	c.expect(string(answer[:1]))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the FIN is noticed", func() (seen bool) {
		n.do(func() { seen = sc.has(flagEnded) })
		return seen
	})
	if got := c.rest(); got != string(answer[1:]) {
		t.Errorf("got %d bytes, want %d, equal", len(got), len(answer)-1)
	}
	if got := n.closing(); got.reason != reasonDone || got.err != nil {
		t.Errorf("got %v, %v, want the owner's reason", got.reason, got.err)
	}
}

func TestCloseWhileBlockedWithNothingRemembered(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c := sleeper(t, n.addr)
	sc := n.next()
	n.do(func() {
		n.Write(sc, []byte("all"))
		n.short(sc, 0, unix.EAGAIN) // as if a send had been refused
		if !sc.IsBlocked() || sc.unsent != 0 {
			t.Error("got not blocked, want blocked with nothing remembered")
		}
		n.Close(sc, reasonDone)
		if sc.IsBlocked() || n.counters.blocked != 0 {
			t.Error("got blocked, want a socket that waits for nothing but the peer's FIN")
		}
	})
	if got := c.rest(); got != "all" {
		t.Errorf("got %q, want all", got)
	}
	_ = c.Close()
	if got := n.closing(); got.reason != reasonDone {
		t.Errorf("got %v, want the owner's reason", got.reason)
	}
}

func TestCloseFromEveryCallback(t *testing.T) {
	shut := func(l *loop, c *conn) { l.Close(c, reasonDone); l.Close(c, reasonEvicted) }
	reset := func(l *loop, c *conn) { l.Reset(c, reasonDone); l.Reset(c, reasonEvicted); l.Close(c, reasonEvicted) }
	for name, end := range map[string]func(*loop, *conn){"close": shut, "reset": reset} {
		onData := func(l *loop, c *conn, b []byte) int { end(l, c); return 0 }
		full := func(l *loop, c *conn) { fill(l, c, noise(6, 100_000)) }
		soon := func(l *loop, c *conn) { l.SetTimer(c, Tick) }
		twice := func(l *loop, c *conn, _ Reason, _ error) { end(l, c) }
		for callback, h := range map[string]*hooks{
			"open":     {open: end, closed: twice},
			"data":     {data: onData, closed: twice},
			"writable": {open: full, writable: end, closed: twice},
			"timer":    {open: soon, timer: end, closed: twice},
		} {
			t.Run(name+" in "+callback, func(t *testing.T) {
				n := serve(t, tight, h)
				c, err := net.Dial("tcp", n.addr.String())
				if err == nil {
					_, _ = c.Write([]byte("x"))
					_, err = io.Copy(io.Discard, c)
					_ = c.Close()
				}
				if err != nil && !isReset(err) {
					t.Error(err)
				}
				if got := n.closing(); got.reason != reasonDone {
					t.Errorf("got %v, %v, want the first reason given", got.reason, got.err)
				}
				n.do(func() {})
				if len(n.ends) != 0 || n.slab.Open() != 0 {
					t.Errorf("got %d more ends, %d open, want none", len(n.ends), n.slab.Open())
				}
				if s := n.stats(); s.BlockedConns != 0 || s.Conns != 0 {
					t.Errorf("got %d blocked of %d connections, want none", s.BlockedConns, s.Conns)
				}
			})
		}
	}
}

func TestLingerHasAnEnd(t *testing.T) {
	tests := []struct {
		name   string
		bytes  int
		status Status
		reset  bool // what the kernel could not deliver is thrown away
	}{
		{"everything delivered", 100, Sent, false},
		{"a peer that does not read what the kernel holds", 40_000, Sent, true},
		{"a peer that does not read, with bytes unsent", 500_000, Partial, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := serve(t, Config{SndBuf: 64 << 10, Linger: 2 * Tick}, &hooks{})
			c := sleeper(t, n.addr)
			sc := n.next()
			n.do(func() {
				if got := n.Send(sc, noise(7, tt.bytes)); got != tt.status {
					t.Errorf("send: got status %d, want %d", got, tt.status)
				}
				n.Close(sc, reasonDone)
				n.SetTimer(sc, time.Hour) // too late to change its mind
			})
			if got := n.closing(); got.reason != reasonDone {
				t.Errorf("got %v, want the owner's reason", got.reason)
			}
			n.do(func() {})
			if tt.reset {
				if queue, found := kernelSocket(t, n.addr, c.local()); found {
					t.Errorf("got a socket with %d bytes queued in the kernel, want none", queue)
				}
				c.drainUntilReset()
				return
			}
			if got := c.rest(); len(got) != tt.bytes {
				t.Errorf("got %d bytes, want %d", len(got), tt.bytes)
			}
		})
	}
}

// TestLingerReadsLittle: a peer that goes on sending after the close is reset, long before the linger time is over. One that sent a request's
// worth is not.
func TestLingerReadsLittle(t *testing.T) {
	n := serve(t, Config{Linger: time.Minute}, &hooks{data: func(l *loop, c *conn, b []byte) int {
		l.Close(c, reasonDone)
		return len(b)
	}})
	for range 2 { // the second client has the first one's descriptor
		c, _ := n.connect()
		c.write("first")
		for sent, block := 0, make([]byte, 64<<10); ; sent += len(block) {
			if _, err := c.Write(block); err != nil {
				break // reset
			}
			if sent > 100*maxIgnored {
				t.Fatalf("got no reset after %d bytes", sent)
			}
		}
		if got := n.closing(); got.reason != reasonDone {
			t.Errorf("got reason %s, want the owner's", got.reason)
		}
	}
	c, _ := n.connect()
	c.write("first")
	c.write(string(make([]byte, maxIgnored/2)))
	c.rest()
	_ = c.Close()
	if got := n.closing(); got.reason != reasonDone || got.err != nil {
		t.Errorf("got %+v, want an end in good order", got)
	}
	n.do(func() {
		if len(n.ignored) != 0 {
			t.Errorf("got %d connections still counted, want none", len(n.ignored))
		}
	})
}

// A peer that reads everything the kernel holds by the end of the linger time, but not what the loop still had.
func TestLingerGivesUpWhatIsUnsent(t *testing.T) {
	cfg := tight
	cfg.Linger = 2 * Tick
	n := serve(t, cfg, &hooks{})
	c := sleeper(t, n.addr)
	sc := n.next()
	n.do(func() {
		n.Send(sc, noise(8, 1<<20))
		n.Close(sc, reasonDone)
	})
	n.closing()
	if got := c.drainUntilReset(); got >= 1<<20 {
		t.Errorf("got %d bytes, want a part", got)
	}
	n.do(func() {
		if n.unsent.inUse() != 0 {
			t.Errorf("got %d unsent entries, want none", n.unsent.inUse())
		}
	})
}

func TestPeerEnds(t *testing.T) {
	tests := []struct {
		name   string
		end    func(*client)
		reason Reason
		err    error
	}{
		{"FIN", func(c *client) { _ = c.Close() }, PeerClosed, nil},
		{"half a FIN", func(c *client) { _ = c.CloseWrite() }, PeerClosed, nil},
		{"reset", (*client).abort, PeerReset, unix.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := serve(t, Config{}, &hooks{})
			c, sc := n.connect()
			tt.end(c)
			got := n.closing()
			if got.fd != sc.FD() || got.reason != tt.reason || !errors.Is(got.err, tt.err) {
				t.Errorf("got %+v, want %v, %v", got, tt.reason, tt.err)
			}
		})
	}
}

// A reset is noticed by a connection that does not read, although bytes have arrived before it.
func TestResetOfAPausedConnection(t *testing.T) {
	for _, full := range []bool{false, true} {
		n := serve(t, tight, &hooks{data: func(*loop, *conn, []byte) int {
			t.Error("got data, want none while paused")
			return 0
		}})
		c := sleeper(t, n.addr)
		sc := n.next()
		n.do(func() {
			n.PauseRead(sc)
			if full {
				fill(n.loop, sc, noise(9, 100_000))
			}
		})
		c.write("nobody reads this")
		n.do(func() {})
		c.abort()
		if got := n.closing(); got.reason != PeerReset || !errors.Is(got.err, unix.ECONNRESET) {
			t.Errorf("full %t: got %+v, want %v, ECONNRESET", full, got, PeerReset)
		}
	}
}

func TestResetWhileClosingKeepsTheReason(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c := sleeper(t, n.addr)
	sc := n.next()
	n.do(func() {
		fill(n.loop, sc, noise(10, 100_000))
		n.Close(sc, reasonDone)
	})
	c.abort()
	if got := n.closing(); got.reason != reasonDone || got.err == nil {
		t.Errorf("got %v, %v, want the owner's reason and the system's error", got.reason, got.err)
	}
}

func TestAnswersSurviveAPausedClose(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c := sleeper(t, n.addr)
	sc := n.next()
	want := noise(11, 200_000)
	c.write("left in the kernel")
	n.do(func() {
		n.PauseRead(sc)
		n.Send(sc, want)
		n.Close(sc, reasonDone)
	})
	if got := c.rest(); !bytes.Equal([]byte(got), want) {
		t.Errorf("got %d bytes, want %d, equal", len(got), len(want))
	}
	_ = c.Close()
	if got := n.closing(); got.reason != reasonDone || got.err != nil {
		t.Errorf("got %v, %v, want the owner's reason", got.reason, got.err)
	}
}
