package epoll

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// Reasons of the tests' own.
const (
	reasonDone Reason = UserReason + iota
	reasonEvicted
)

// state is what the tests keep in a connection: as large as a session's part may be.
type state struct {
	id    uint64
	count uint64
	_     [56]byte
}

type (
	loop = Loop[state]
	conn = Conn[state]
)

// hooks is a Handler of optional functions, each of which gets the loop as well.
type hooks struct {
	open, writable, timer func(*loop, *conn)
	data                  func(*loop, *conn, []byte) int
	closed                func(*loop, *conn, Reason, error)
	work                  func(*loop, int) bool
	decide                func(*loop, *conn) []byte

	loop   *loop
	opened chan int32 // descriptors, as they are announced
	ends   chan end
}

// end is what OnClose was told.
type end struct {
	fd     int32
	reason Reason
	err    error
}

func (h *hooks) OnOpen(c *conn) {
	if h.open != nil {
		h.open(h.loop, c)
	}
	h.opened <- c.FD()
}

func (h *hooks) OnData(c *conn, b []byte) int {
	if h.data == nil {
		return len(b)
	}
	return h.data(h.loop, c, b)
}

func (h *hooks) OnWritable(c *conn) {
	if h.writable != nil {
		h.writable(h.loop, c)
	}
}

func (h *hooks) OnTimer(c *conn) {
	if h.timer != nil {
		h.timer(h.loop, c)
	}
}

func (h *hooks) OnClose(c *conn, reason Reason, err error) {
	if h.closed != nil {
		h.closed(h.loop, c, reason, err)
	}
	h.ends <- end{c.FD(), reason, err}
}

func (h *hooks) OnWork(budget int) bool { return h.work != nil && h.work(h.loop, budget) }

func (h *hooks) Admit(c *conn) []byte {
	if h.decide == nil {
		return nil
	}
	return h.decide(h.loop, c)
}

// echo is the data hook of a server that says what it hears.
func echo(l *loop, c *conn, b []byte) int {
	l.Write(c, b)
	return len(b)
}

// node is a running loop.
type node struct {
	*loop
	*hooks
	t    testing.TB
	addr netip.AddrPort
}

const maxFD = 20_000

// idle returns a loop that nobody runs yet; the test may use it as its goroutine. The end of the test frees it.
func idle(t testing.TB, cfg Config, slab *Slab[state], h *hooks) *node {
	t.Helper()
	h.opened, h.ends = make(chan int32, 1<<14), make(chan end, 1<<14)
	l, err := NewLoop(cfg, slab, h)
	if err != nil {
		t.Fatal(err)
	}
	h.loop = l
	n := &node{loop: l, hooks: h, t: t}
	t.Cleanup(func() {
		l.Stop()
		select {
		case <-l.Done():
		default:
			if err := l.Run(); err != nil {
				t.Error(err)
			}
		}
	})
	return n
}

// start runs a loop that listens on addr until the test ends.
func start(t testing.TB, cfg Config, slab *Slab[state], h *hooks, addr string) *node {
	t.Helper()
	n := idle(t, cfg, slab, h)
	var err error
	if addr != "" {
		if n.addr, err = n.Listen(addr); err != nil {
			t.Fatal(err)
		}
	}
	n.run()
	return n
}

// run serves on another goroutine until the test ends.
func (n *node) run() {
	failed := make(chan error, 1)
	go func() { failed <- n.Run() }()
	n.t.Cleanup(func() {
		n.Stop()
		if err := <-failed; err != nil {
			n.t.Error(err)
		}
	})
}

// serve runs one loop on a free port of 127.0.0.1.
func serve(t testing.TB, cfg Config, h *hooks) *node {
	t.Helper()
	return start(t, cfg, NewSlab[state](maxFD), h, "127.0.0.1:0")
}

// do runs f on the loop and waits for it.
func (n *node) do(f func()) {
	n.t.Helper()
	done := make(chan struct{})
	if !n.Post(func() { defer close(done); f() }) {
		n.t.Fatal("post: the loop has ended")
	}
	await(n.t, done, "a posted function")
}

// stats returns the loop's counters.
func (n *node) stats() (s Stats) {
	n.t.Helper()
	n.do(func() { s = n.Stats() })
	return s
}

// next waits for the next connection that is announced.
func (n *node) next() *conn {
	n.t.Helper()
	return n.slab.at(await(n.t, n.opened, "OnOpen"))
}

// closing waits for the next OnClose.
func (n *node) closing() end {
	n.t.Helper()
	return await(n.t, n.ends, "OnClose")
}

// connect opens a client and returns it with its server side.
func (n *node) connect() (*client, *conn) {
	n.t.Helper()
	c := dial(n.t, n.addr)
	return c, n.next()
}

// await receives from ch, or fails the test.
func await[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("%s did not come within %s", what, patience)
	}
	return v
}

// eventually waits until f holds, or fails the test.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// client is the other side of a connection: a plain blocking socket of package net.
type client struct {
	*net.TCPConn
	t testing.TB
}

func dial(t testing.TB, to netip.AddrPort) *client {
	t.Helper()
	return dialWith(t, to, nil)
}

// sleeper opens a client that has little room for what it does not read.
func sleeper(t testing.TB, to netip.AddrPort) *client {
	t.Helper()
	return dialWith(t, to, func(_, _ string, rc syscall.RawConn) (err error) {
		failed := rc.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10)
		})
		if failed != nil {
			return failed
		}
		return err
	})
}

func dialWith(t testing.TB, to netip.AddrPort, control func(_, _ string, _ syscall.RawConn) error) *client {
	t.Helper()
	d := net.Dialer{Control: control, Timeout: patience}
	c, err := d.DialContext(t.Context(), "tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &client{c.(*net.TCPConn), t}
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads exactly want.
func (c *client) expect(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		c.t.Fatalf("got %.80q, %v, want %.80q", got[:n], err, want)
	}
}

// rest reads up to the FIN.
func (c *client) rest() string {
	c.t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		c.t.Fatalf("got %v after %d bytes, want a clean end", err, len(b))
	}
	return string(b)
}

// local is the client's own address, which is the server side's Peer.
func (c *client) local() netip.AddrPort { return c.LocalAddr().(*net.TCPAddr).AddrPort() }

// abort resets the connection from the client's side.
func (c *client) abort() {
	c.t.Helper()
	if err := c.SetLinger(0); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// armed returns the events that epoll waits for on a descriptor of this process, and whether it is watched at all.
func armed(t testing.TB, fd int32) (events uint32, watched bool) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != "anon_inode:[eventpoll]" {
			continue
		}
		info, err := os.Open("/proc/self/fdinfo/" + filepath.Base(link))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(info); lines.Scan(); {
			var tfd int32
			if n, _ := fmt.Sscanf(lines.Text(), "tfd: %d events: %x", &tfd, &events); n == 2 && tfd == fd {
				_ = info.Close()
				return events, true
			}
		}
		_ = info.Close()
	}
	return 0, false
}

// kernelSocket finds the kernel's view of an IPv4 connection of this network namespace (/proc/net/tcp): its state and
// what it has queued for sending.
func kernelSocket(t testing.TB, local, remote netip.AddrPort) (queue int64, found bool) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	pair := procAddr(local) + " " + procAddr(remote)
	for line := range strings.Lines(string(table)) {
		if _, after, ok := strings.Cut(line, pair); ok {
			var state int
			if _, err := fmt.Sscanf(after, " %x %x:", &state, &queue); err != nil {
				t.Fatal(err)
			}
			return queue, true
		}
	}
	return 0, false
}

// procAddr formats an IPv4 address as /proc/net/tcp does on a little-endian machine.
func procAddr(a netip.AddrPort) string {
	b := a.Addr().As4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", b[3], b[2], b[1], b[0], a.Port())
}

func isReset(err error) bool { return errors.Is(err, unix.ECONNRESET) }
