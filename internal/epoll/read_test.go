package epoll

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// lines is a data hook that consumes whole lines only and passes them on.
func lines(got chan<- string) func(*loop, *conn, []byte) int {
	return func(_ *loop, c *conn, b []byte) (used int) {
		for {
			i := strings.IndexByte(string(b[used:]), '\n')
			if i < 0 {
				c.State().count = uint64(len(b) - used)
				return used
			}
			got <- string(b[used : used+i])
			clear(b[used : used+i+1]) // the handler may modify what it consumes
			used += i + 1
		}
	}
}

func TestLeftoversAtEverySplit(t *testing.T) {
	got := make(chan string, 16)
	n := serve(t, Config{}, &hooks{data: lines(got)})
	c, sc := n.connect()
	const message = "the quick brown fox\n"
	for i := range len(message) + 1 {
		for _, lead := range []string{"", "before\n"} {
			first, second := lead+message[:i], message[i:]
			c.write(first)
			if lead != "" {
				if line := await(t, got, "the message before"); line != "before" {
					t.Errorf("split at %d: got %q, want before", i, line)
				}
			}
			if i > 0 && i < len(message) {
				eventually(t, "the first part is kept", func() (kept bool) {
					n.do(func() { kept = n.leftover.inUse() == 1 && sc.State().count == uint64(i) })
					return kept
				})
			}
			if second != "" {
				c.write(second)
			}
			if line := await(t, got, "the message"); line+"\n" != message {
				t.Errorf("split at %d: got %q, want %q", i, line, message)
			}
			n.do(func() {
				if n.leftover.inUse() != 0 || sc.leftover != 0 {
					t.Errorf("split at %d: got %d buffers in use, want none", i, n.leftover.inUse())
				}
			})
		}
	}
	if len(got) != 0 {
		t.Errorf("got %d more messages, want each once", len(got))
	}
}

func TestLeftoversByteByByteOnManyConnections(t *testing.T) {
	got := make(chan string, 1000)
	n := serve(t, Config{}, &hooks{data: lines(got)})
	clients := make([]*client, 10)
	for i := range clients {
		clients[i], _ = n.connect()
	}
	const text = "a line that comes byte by byte"
	for _, b := range []byte(text + "\n") {
		for _, c := range clients {
			c.write(string(b))
		}
	}
	for range clients {
		if line := await(t, got, "a line"); line != text {
			t.Errorf("got %q, want %q", line, text)
		}
	}
}

func TestLeftoverExceeded(t *testing.T) {
	for _, limit := range []int{100, 0, 3 * readBuffer} { // 0: the default
		n := serve(t, Config{MaxLeftover: limit}, &hooks{data: func(*loop, *conn, []byte) int { return 0 }})
		limit = n.cfg.MaxLeftover
		c, sc := n.connect()
		c.write(string(noise(1, limit)))
		eventually(t, "all that is allowed is kept", func() (kept bool) {
			n.do(func() { kept = sc.leftover != 0 && len(*n.leftover.at(sc.leftover)) == limit })
			return kept
		})
		c.write("x")
		if got := n.closing(); got.reason != LeftoverExceeded {
			t.Errorf("limit %d: got %v, want %v", limit, got.reason, LeftoverExceeded)
		}
		n.do(func() {
			if n.leftover.inUse() != 0 {
				t.Errorf("limit %d: got %d buffers in use, want none", limit, n.leftover.inUse())
			}
		})
	}
}

func TestLeftoverEndsWithItsConnection(t *testing.T) {
	for name, end := range map[string]func(*node, *client, *conn){
		"peer":  func(_ *node, c *client, _ *conn) { _ = c.Close() },
		"reset": func(n *node, _ *client, sc *conn) { n.do(func() { n.Reset(sc, reasonDone) }) },
		"close": func(n *node, c *client, sc *conn) { n.do(func() { n.Close(sc, reasonDone) }); _ = c.Close() },
	} {
		n := serve(t, Config{}, &hooks{data: func(*loop, *conn, []byte) int { return 0 }})
		c, sc := n.connect()
		c.write("GET / HTT")
		inUse := func() (k int) {
			n.do(func() { k = n.leftover.inUse() })
			return k
		}
		eventually(t, "the half head is kept", func() bool { return inUse() == 1 })
		end(n, c, sc)
		n.closing()
		if got := inUse(); got != 0 {
			t.Errorf("%s: got %d buffers in use, want none", name, got)
		}
	}
}

func TestPauseRead(t *testing.T) {
	var bytes atomic.Int64
	n := serve(t, Config{RcvBuf: 16 << 10}, &hooks{data: func(l *loop, c *conn, b []byte) int {
		bytes.Add(int64(len(b)))
		return len(b)
	}})
	c, sc := n.connect()
	n.do(func() { n.PauseRead(sc); n.PauseRead(sc) })
	const total = 1 << 20
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, total))
		sent <- err
	}()
	var blocked int
	eventually(t, "the peer's window closes", func() bool { // full sockets on both sides: nothing moves any more
		var arrived int
		n.do(func() { arrived, _ = unix.IoctlGetInt(int(sc.FD()), unix.SIOCINQ) })
		same := arrived > 0 && arrived == blocked
		blocked = arrived
		return same
	})
	if got := bytes.Load(); got != 0 {
		t.Errorf("while paused: got %d bytes, want none", got)
	}
	n.do(func() { n.ResumeRead(sc); n.ResumeRead(sc) })
	if err := await(t, sent, "the end of the write"); err != nil {
		t.Error(err)
	}
	eventually(t, "all bytes arrive", func() bool { return bytes.Load() == total })
}

func TestPauseReadDoesNotSpin(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	c, sc := n.connect()
	n.do(func() { n.PauseRead(sc) })
	c.write("unread")
	n.do(func() {})
	if events, watched := armed(t, sc.FD()); !watched || events&unix.EPOLLET == 0 {
		t.Errorf("got events %#x, watched %t, want edge-triggered: a level would come up again and again", events, watched)
	}
	n.do(func() { n.ResumeRead(sc) })
	if events, watched := armed(t, sc.FD()); !watched || events&unix.EPOLLET != 0 {
		t.Errorf("got events %#x, watched %t, want level-triggered again", events, watched)
	}
}

// A paused connection with a full socket still hears of room to write.
func TestPausedAndBlocked(t *testing.T) {
	frame := noise(2, 200_000)
	writable := make(chan struct{}, 10)
	n := serve(t, tight, &hooks{writable: func(*loop, *conn) { writable <- struct{}{} }, data: echo})
	for _, blockedFirst := range []bool{true, false} {
		c := sleeper(t, n.addr)
		sc := n.next()
		var sent []byte
		n.do(func() {
			if !blockedFirst {
				n.PauseRead(sc)
			}
			sent, _ = fill(n.loop, sc, frame)
			n.PauseRead(sc)
		})
		c.write("ping")
		c.expect(string(sent))
		await(t, writable, "OnWritable")
		n.do(func() { n.ResumeRead(sc) })
		c.expect("ping")
	}
}

// Urgent data raises EPOLLPRI, which must neither spin nor get in the way of the rest.
func TestUrgentData(t *testing.T) {
	n := serve(t, Config{}, &hooks{data: echo})
	c, sc := n.connect()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	c.write("a")
	c.expect("a")
	if err := rc.Control(func(fd uintptr) { err = unix.Send(int(fd), []byte("!"), unix.MSG_OOB) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	n.do(func() {})
	c.write("b")
	c.expect("b")
	n.do(func() {
		pending := []unix.PollFd{{Fd: sc.FD(), Events: unix.POLLIN | unix.POLLPRI}}
		if k, err := unix.Poll(pending, 0); k != 0 || err != nil {
			t.Errorf("got events %#x, %v, want a quiet socket", pending[0].Revents, err)
		}
	})
}

// A handler that ends another connection whose event is already at hand: it must not come up any more, and neither may
// it hit the connection that gets the descriptor next.
func TestStaleEventsHitNobody(t *testing.T) {
	h := &hooks{}
	n := idle(t, Config{}, NewSlab[state](maxFD), h)
	a, b := admitted(t, n), admitted(t, n)
	var heard []int32
	h.data = func(l *loop, c *conn, p []byte) int {
		heard = append(heard, c.FD())
		if c.FD() == a.fd {
			l.Reset(l.At(b.fd), reasonDone)
		}
		return len(p)
	}
	a.write(t, []byte("x"))
	b.write(t, []byte("y"))
	gen := n.At(b.fd).Gen()
	for _, fd := range []int32{a.fd, b.fd} { // the batch that epoll_wait has returned
		if err := n.event(int(fd), unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLHUP, 0); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(heard) != fmt.Sprint([]int32{a.fd}) {
		t.Errorf("got data of %v, want only of %d", heard, a.fd)
	}
	fresh := admitted(t, n)
	if fresh.fd == b.fd {
		t.Errorf("got descriptor %d again within the batch, want it to stay taken", b.fd)
	}
	n.reap()
	again := admitted(t, n)
	if again.fd != b.fd {
		t.Fatalf("got descriptor %d, want the lowest free one, %d", again.fd, b.fd)
	}
	if got := n.At(again.fd).Gen(); got == gen {
		t.Errorf("got generation %d for two connections, want two", got)
	}
}

// pair is a connection whose both ends the test holds.
type pair struct{ fd, peer int32 }

// admitted gives a loop that is not running a connection of its own, without a listener in between.
func admitted(t testing.TB, n *node) pair {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if fds[0] > fds[1] { // the loop's side gets the lowest free descriptor
		fds[0], fds[1] = fds[1], fds[0]
	}
	n.admit(fds[0], netip.AddrPort{})
	<-n.opened
	t.Cleanup(func() { _ = unix.Close(fds[1]) })
	return pair{int32(fds[0]), int32(fds[1])}
}

func (p pair) write(t testing.TB, b []byte) {
	t.Helper()
	if n, errno := send(p.peer, b); n != len(b) {
		t.Fatalf("write: got %d bytes, %v, want %d", n, errno, len(b))
	}
}
