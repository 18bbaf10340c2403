package epoll

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// exhaustEnv makes the test binary be the server of TestDescriptorsRunOut, whose limit must not be that of the test.
const exhaustEnv = "TICKGATE_TEST_EXHAUST"

const (
	exhaustLimit = 64
	exhaustStats = "accepted %d refused %d pauses %d conns %d\n"
)

// exhaustedServer echoes on a port that it prints, with few descriptors, and answers every line of its input with its
// counters. It ends with its input.
func exhaustedServer() (code int) {
	h := &hooks{data: echo, opened: make(chan int32, 1<<14), ends: make(chan end, 1<<14)}
	l, err := NewLoop(Config{Refusal: refusal}, NewSlab[state](exhaustLimit), h)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	h.loop = l
	addr, err := l.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(addr)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: exhaustLimit, Max: exhaustLimit}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			l.Post(func() {
				s := l.Stats()
				fmt.Printf(exhaustStats, s.Accepted, s.Refused(RefusedNoFile), s.AcceptPauses, s.Conns)
			})
		}
		l.Stop()
	}()
	if err := l.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// poor is the server with few descriptors, seen from outside.
type poor struct {
	t    *testing.T
	in   io.WriteCloser
	out  *bufio.Reader
	addr netip.AddrPort
}

func startPoor(t *testing.T) *poor {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience) // t's own context ends before the clean-up
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), exhaustEnv+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		cancel()
		t.Fatal(err)
	}
	p := &poor{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		defer cancel()
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v, want a clean end", err)
		}
	})
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.addr = netip.MustParseAddrPort(strings.TrimSpace(line))
	return p
}

// counters are what the server has counted.
type counters struct{ accepted, refused, pauses, conns int }

func (p *poor) counters() (c counters) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "?\n"); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := fmt.Sscanf(line, exhaustStats, &c.accepted, &c.refused, &c.pauses, &c.conns); err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	return c
}

func TestDescriptorsRunOut(t *testing.T) {
	p := startPoor(t)
	served := p.fill()
	ping := func() {
		t.Helper()
		for _, c := range served {
			c.write("tick")
			c.expect("tick")
		}
	}
	ping()

	// A crowd that nobody has descriptors for: all are refused politely, at most refuseBurst between two pauses.
	const crowd = 5 * refuseBurst
	before, begin := p.counters(), time.Now()
	clients := make([]*client, crowd)
	for i := range clients {
		clients[i] = dial(t, p.addr)
	}
	for i, c := range clients {
		if got, want := c.rest(), string(refusal(RefusedNoFile)); got != want {
			t.Errorf("client %d: got %q, want %q", i, got, want)
		}
		_ = c.Close()
		if i%refuseBurst == 0 {
			ping() // who is in notices nothing
		}
	}
	after, took := p.counters(), time.Since(begin)
	if got := after.refused - before.refused; got != crowd {
		t.Errorf("got %d refused, want %d", got, crowd)
	}
	if got := after.conns; got != len(served) {
		t.Errorf("got %d connections, want %d", got, len(served))
	}
	pauses := after.pauses - before.pauses
	if most := int(took/Tick) + 2; pauses < crowd/refuseBurst-1 || pauses > most {
		t.Errorf("got %d pauses within %s, want %d to %d: one a tick", pauses, took, crowd/refuseBurst-1, most)
	}

	for _, c := range served[:5] {
		_ = c.Close()
	}
	served = served[5:]
	eventually(t, "descriptors are free again", func() bool { return p.counters().conns <= len(served) })
	c := dial(t, p.addr)
	c.write("tick")
	c.expect("tick")
	ping()
}

// fill connects clients until one is refused.
func (p *poor) fill() (served []*client) {
	p.t.Helper()
	for range exhaustLimit {
		c := dial(p.t, p.addr)
		c.write("tick")
		answer := make([]byte, len("tick"))
		if _, err := io.ReadFull(c, answer); err != nil {
			p.t.Fatalf("after %d clients: %v", len(served), err)
		}
		if string(answer) != "tick" {
			if got, want := string(answer)+c.rest(), string(refusal(RefusedNoFile)); got != want {
				p.t.Errorf("got %q, want %q", got, want)
			}
			_ = c.Close()
			break
		}
		served = append(served, c)
	}
	if len(served) == exhaustLimit || len(served) < exhaustLimit/2 {
		p.t.Fatalf("got %d clients in with %d descriptors, want most of them", len(served), exhaustLimit)
	}
	return served
}

// Listening may end while nobody can be let in; the reserve lets go of a few, and the others are reset.
func TestStopListeningWithoutDescriptors(t *testing.T) {
	n := idle(t, Config{Refusal: refusal}, NewSlab[state](maxFD), &hooks{})
	var err error
	if n.addr, err = n.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	clients := make([]*client, refuseBurst+5)
	for i := range clients {
		clients[i] = dial(t, n.addr)
	}
	n.pause(0, stopped)
	n.exhausted(0) // what acceptOne does on EMFILE
	if got := n.counters.Refused(RefusedNoFile); got != refuseBurst {
		t.Errorf("got %d refused, want %d", got, refuseBurst)
	}
	if n.reserve < 0 {
		t.Error("got no reserve descriptor, want a new one")
	}
	if got := n.listeners[0].paused; got != stopped {
		t.Errorf("got pause %d, want a listener that stays stopped", got)
	}
	n.closeListeners()
	for i, c := range clients {
		got, err := io.ReadAll(c)
		if i < refuseBurst && string(got) != string(refusal(RefusedNoFile)) || i >= refuseBurst && !isReset(err) {
			t.Errorf("client %d: got %q, %v", i, got, err)
		}
	}
}

// Another thread may take the descriptor that the reserve gave up. The next tick gets a new one.
func TestReserveComesBack(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	n.do(func() {
		_ = unix.Close(n.reserve)
		n.reserve = -1
		n.exhausted(0)
	})
	eventually(t, "there is a reserve again", func() (back bool) {
		n.do(func() { back = n.reserve >= 0 })
		return back
	})
	n.connect()
}

// limited runs f with at most n more descriptors than are open now.
func limited(t *testing.T, n int, f func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	next, err := unix.Dup(0) // the lowest free one
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(next)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next + n), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	f()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
}

func TestNewLoopWithoutDescriptorsLeavesNoneOpen(t *testing.T) {
	before := len(descriptors())
	for n := range 5 { // epoll, its eventfd, the doorbell, the timer, the reserve
		limited(t, n, func() {
			if _, err := NewLoop(Config{}, NewSlab[state](1), &hooks{}); !errors.Is(err, unix.EMFILE) {
				t.Errorf("with %d descriptors: got %v, want EMFILE", n, err)
			}
		})
		if got := len(descriptors()); got != before {
			t.Errorf("with %d descriptors: got %d open afterwards, want %d", n, got, before)
		}
	}
}

func TestDialWithoutDescriptors(t *testing.T) {
	server := serve(t, Config{}, &hooks{})
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{})
	limited(t, 0, func() {
		if _, err := n.Dial(netip.AddrPort{}, server.addr); !errors.Is(err, unix.EMFILE) {
			t.Errorf("got %v, want EMFILE", err)
		}
	})
	n.slab = NewSlab[state](0)
	n.slab.chunks = nil // a table that is too small
	if _, err := n.Dial(netip.AddrPort{}, server.addr); err == nil || n.slab.Open() != 0 {
		t.Errorf("got %v, %d open, want an error and none", err, n.slab.Open())
	}
}

// epoll_ctl(2) may refuse a connection (max_user_watches, kernel memory); here because it is a file. Its owner never
// hears of it.
func TestConnectionThatEpollRefuses(t *testing.T) {
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{})
	fd, err := unix.Open(os.Args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	n.admit(fd, netip.AddrPort{})
	if got := n.counters.Refused(RefusedNoFile); got != 1 {
		t.Errorf("got %d refused, want 1", got)
	}
	if len(n.opened) != 0 || n.slab.Open() != 0 || n.wheel.count != 0 {
		t.Errorf("got %d opened, %d open, %d in the wheel, want none", len(n.opened), n.slab.Open(), n.wheel.count)
	}
}
