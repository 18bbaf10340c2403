package epoll

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTwoLoopsServeOnePort(t *testing.T) {
	slab := NewSlab[state](maxFD)
	a := start(t, Config{}, slab, &hooks{data: echo}, "127.0.0.1:0")
	b := start(t, Config{}, slab, &hooks{data: echo}, a.addr.String())

	const conns = 100
	clients := make([]*client, conns)
	for i := range clients {
		clients[i] = dial(t, a.addr)
		clients[i].write(fmt.Sprintf("client %d", i))
	}
	for i, c := range clients {
		c.expect(fmt.Sprintf("client %d", i))
	}
	sa, sb := a.stats(), b.stats()
	if sa.Conns == 0 || sb.Conns == 0 || sa.Conns+sb.Conns != conns || slab.Open() != conns {
		t.Errorf("got %d and %d connections, %d in all, want %d spread over both", sa.Conns, sb.Conns, slab.Open(), conns)
	}
	if got := sa.Accepted + sb.Accepted; got != conns {
		t.Errorf("got %d accepted, want %d", got, conns)
	}
	for _, c := range clients {
		_ = c.Close()
	}
	eventually(t, "all connections are closed", func() bool { return slab.Open() == 0 })
	if sa, sb = a.stats(), b.stats(); sa.BytesIn+sb.BytesIn != sa.BytesOut+sb.BytesOut || sa.BytesIn == 0 {
		t.Errorf("got %d and %d bytes in, %d and %d out, want an echo", sa.BytesIn, sb.BytesIn, sa.BytesOut, sb.BytesOut)
	}
}

func TestLoopsTalkToEachOther(t *testing.T) {
	slab := NewSlab[state](maxFD)
	server := start(t, Config{}, slab, &hooks{data: echo}, "127.0.0.1:0")
	const conns, rounds = 50, 20
	clients := start(t, Config{}, slab, &hooks{
		open: func(l *loop, c *conn) { l.Write(c, fmt.Appendf(nil, "%08d", c.State().id)) },
		data: func(l *loop, c *conn, b []byte) int {
			if len(b) < 8 {
				return 0
			}
			if got, want := string(b), fmt.Sprintf("%08d", c.State().id); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if c.State().count++; c.State().count == rounds {
				l.Close(c, reasonDone)
			} else {
				l.Write(c, b[:8])
			}
			return 8
		},
	}, noAddr)
	clients.do(func() {
		for i := range conns {
			c, err := clients.Dial(netip.AddrPort{}, server.addr)
			if err != nil {
				t.Error(err)
				return
			}
			c.State().id = uint64(i)
		}
	})
	for range conns {
		if got := clients.closing(); got.reason != reasonDone || got.err != nil {
			t.Errorf("client: got %v, %v, want its own reason", got.reason, got.err)
		}
		if got := server.closing(); got.reason != PeerClosed || got.err != nil {
			t.Errorf("server: got %v, %v, want %v", got.reason, got.err, PeerClosed)
		}
	}
	eventually(t, "the table is empty", func() bool { return slab.Open() == 0 })
}

// noAddr is the address of a loop that does not listen.
const noAddr = ""

func TestStopResetsWhatIsOpen(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	c, _ := n.connect()
	n.Stop()
	n.Stop()
	await(t, n.Done(), "the end of Run")
	if got := n.closing(); got.reason != Stopped {
		t.Errorf("got %v, want %v", got.reason, Stopped)
	}
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client: got %v, want a reset", err)
	}
	if n.slab.Open() != 0 {
		t.Errorf("got %d open connections, want none", n.slab.Open())
	}
}

func TestStopRefusesToDial(t *testing.T) {
	server := serve(t, Config{}, &hooks{})
	var again error
	n := start(t, Config{}, NewSlab[state](maxFD), &hooks{closed: func(l *loop, _ *conn, _ Reason, _ error) {
		_, again = l.Dial(netip.AddrPort{}, server.addr)
	}}, "")
	n.do(func() {
		if _, err := n.Dial(netip.AddrPort{}, server.addr); err != nil {
			t.Error(err)
		}
	})
	n.next()
	n.Stop()
	await(t, n.Done(), "the end of Run")
	if again == nil {
		t.Error("dial from the last OnClose: got no error, want one: nobody would close that connection")
	}
}

func TestPostRunsInOrder(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	var got []int
	for i := range 100 {
		n.Post(func() { got = append(got, i) })
	}
	n.do(func() {})
	for i, v := range got {
		if i != v {
			t.Fatalf("got %v, want them in order", got)
		}
	}
	if len(got) != 100 {
		t.Errorf("got %d, want 100", len(got))
	}
}

func TestWorkComesInSlices(t *testing.T) {
	var endless atomic.Bool
	var slices atomic.Int64
	endless.Store(true)
	n := serve(t, Config{Slice: 7}, &hooks{data: echo, work: func(_ *loop, budget int) bool {
		if budget != 7 {
			t.Errorf("got a budget of %d, want 7", budget)
		}
		slices.Add(1)
		return endless.Load()
	}})
	n.Kick()
	c, _ := n.connect()
	for i := range 20 { // served although the work never ends
		before := slices.Load()
		c.write("ping")
		c.expect("ping")
		if i > 0 && slices.Load() == before {
			t.Log("no slice between two answers")
		}
	}
	eventually(t, "work goes on without another Kick", func() bool { return slices.Load() > 100 })
	endless.Store(false)
	n.do(func() {})
	n.do(func() {})
	before := slices.Load()
	for range 10 {
		c.write("ping")
		c.expect("ping")
	}
	if got := slices.Load(); got != before {
		t.Errorf("got %d calls of OnWork after it said that nothing is left, want none", got-before)
	}
}

func TestStopEndsEndlessWork(t *testing.T) {
	n := serve(t, Config{}, &hooks{work: func(*loop, int) bool { return true }})
	n.Kick()
	n.do(func() {})
	n.Stop()
	await(t, n.Done(), "the end of Run")
}

// Kicks must not get lost, wherever in OnWork they fall.
func TestEveryKickIsAnswered(t *testing.T) {
	var queued, done atomic.Int64
	n := serve(t, Config{}, &hooks{work: func(*loop, int) bool {
		done.Store(queued.Load()) // takes everything at once, so that the loop goes to sleep as often as possible
		return false
	}})
	const kickers, kicks = 3, 500
	var wg sync.WaitGroup
	for range kickers {
		wg.Go(func() {
			for range kicks {
				want := queued.Add(1)
				n.Kick()
				for deadline := time.Now().Add(patience); done.Load() < want; runtime.Gosched() {
					if time.Now().After(deadline) {
						t.Errorf("piece of work %d was not done within %s", want, patience)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestKickFromWithinWork(t *testing.T) {
	var calls atomic.Int64
	n := serve(t, Config{}, &hooks{work: func(l *loop, _ int) bool {
		if calls.Add(1) < 100 {
			l.Kick()
		}
		return false
	}})
	n.Kick()
	eventually(t, "100 calls", func() bool { return calls.Load() == 100 })
}

func TestUseAfterEnd(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() { // races with the end, and goes on for a while after it
			for {
				n.Post(func() {})
				n.Kick()
				n.Stop()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	await(t, n.Done(), "the end of Run")

	// The loop's descriptors belong to others now. Nothing may be written to them.
	var others []int
	for range 16 {
		fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		others = append(others, fd)
	}
	for range 1000 {
		if n.Post(func() { t.Error("a function ran after the end") }) {
			t.Fatal("post after the end: got true, want false")
		}
		n.rung.Store(false) // as if OnWork had been called since
		n.Kick()
	}
	close(stop)
	wg.Wait()
	for _, fd := range others {
		var b [8]byte
		if _, err := unix.Read(fd, b[:]); err != unix.EAGAIN {
			t.Errorf("descriptor %d: got %v, %v, want EAGAIN: nobody has written to it", fd, b, err)
		}
	}
}

func TestIdleLoopDoesNotTick(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	ticking := func() (on bool) {
		n.do(func() { on = n.armed != 0 })
		return on
	}
	if ticking() {
		t.Error("without a connection: got a ticking loop, want a sleeping one")
	}
	c, _ := n.connect()
	if !ticking() {
		t.Error("with a connection: got a sleeping loop, want a ticking one")
	}
	_ = c.Close()
	n.closing()
	eventually(t, "the tick is turned off", func() bool { return !ticking() })
}

// A loop sleeps until its first timer, and not from tick to tick.
func TestLoopSleepsUntilTheFirstTimer(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	_, sc := n.connect()
	n.do(func() {
		n.SetTimer(sc, 20*time.Second)
		if got, want := n.armed, n.wheel.now+200; got != want {
			t.Errorf("timerfd set for tick %d, want %d", got, want)
		}
		n.SetTimer(sc, time.Second)
		if got, want := n.armed, n.wheel.now+10; got != want {
			t.Errorf("timerfd set for tick %d, want %d", got, want)
		}
	})
}

func TestSinceReadAndWrite(t *testing.T) {
	n := serve(t, Config{}, &hooks{data: echo})
	c, sc := n.connect()
	since := func() (read, write time.Duration) {
		n.do(func() { read, write = n.SinceRead(sc), n.SinceWrite(sc) })
		return read, write
	}
	n.do(func() { n.start = n.start.Add(-time.Minute) }) // a minute passes
	eventually(t, "a minute of silence is noticed", func() bool {
		read, write := since()
		return read >= time.Minute && write >= time.Minute
	})
	c.write("ping")
	c.expect("ping")
	if read, write := since(); read > 10*time.Second || write > 10*time.Second {
		t.Errorf("after bytes both ways: got %s and %s, want next to nothing", read, write)
	}
}

func TestBusyIsTheThreadsTime(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	first := n.stats().Busy
	if first <= 0 {
		t.Errorf("got %s, want some processor time", first)
	}
	eventually(t, "more processor time is used", func() bool { return n.stats().Busy > first })
}
