package epoll

import (
	"testing"

	"golang.org/x/sys/unix"
)

// audience is a loop that nobody runs, with connections whose other ends the test holds.
type audience struct {
	*node
	pairs []pair
	fds   []int32
	out   []Status
	sink  []byte
}

func newAudience(t testing.TB, cfg Config, h *hooks, conns int) *audience {
	t.Helper()
	a := &audience{node: idle(t, cfg, NewSlab[state](1<<20), h), out: make([]Status, conns), sink: make([]byte, readBuffer)}
	for range conns {
		p := admitted(t, a.node)
		a.pairs, a.fds = append(a.pairs, p), append(a.fds, p.fd)
	}
	return a
}

// drain takes what has arrived at the other ends.
func (a *audience) drain() {
	for _, p := range a.pairs {
		for {
			if n, errno := recv(p.peer, a.sink); n == 0 || errno != 0 {
				break
			}
		}
	}
}

// everySent fails the test unless the last SendMany reached everybody.
func (a *audience) everySent(t testing.TB) {
	t.Helper()
	for i, s := range a.out {
		if s != Sent {
			t.Fatalf("connection %d: got status %d, want Sent", i, s)
		}
	}
}

func TestNothingIsAllocatedPerDelivery(t *testing.T) {
	frame := noise(1, 128)
	request := noise(2, 100)
	half := func(_ *loop, _ *conn, b []byte) int { // consumes the second half with what follows
		if len(b) < len(request) {
			return 0
		}
		return len(b)
	}
	a := newAudience(t, Config{MaxPending: 1 << 20}, &hooks{data: half}, 100)
	full := a.At(a.fds[0])
	large := noise(3, 1<<20)
	var status Status
	gates := map[string]func(){
		"SendMany to ready sockets": func() { a.SendMany(frame, a.fds, a.out); a.drain() },
		"Write to a ready socket":   func() { status = a.Write(a.At(a.fds[1]), frame); a.drain() },
		"a read": func() {
			a.pairs[2].write(t, request)
			a.ready(a.At(a.fds[2]), unix.EPOLLIN)
		},
		"a timer": func() { a.SetTimer(a.At(a.fds[4]), Tick); a.advance(a.wheel.now + 1); a.fire(1) },
		"a Partial send, a Blocked one, the flush": func() {
			if got := a.Send(full, large); got != Partial {
				t.Errorf("got status %d, want Partial", got)
			}
			if got := a.Send(full, frame); got != Blocked {
				t.Errorf("got status %d, want Blocked", got)
			}
			for a.drain(); full.IsBlocked(); a.drain() {
				a.ready(full, unix.EPOLLOUT)
			}
		},
	}
	if !raceEnabled { // there sync.Pool throws away at random
		gates["a read in two parts"] = func() {
			for _, part := range [2][]byte{request[:50], request[50:]} {
				a.pairs[3].write(t, part)
				a.ready(a.At(a.fds[3]), unix.EPOLLIN)
			}
		}
		gates["a Write to a full socket"] = func() {
			a.Send(full, large)
			if status = a.Write(full, frame); status != Partial {
				t.Errorf("got status %d, want Partial", status)
			}
			for a.drain(); full.IsBlocked(); a.drain() {
				a.ready(full, unix.EPOLLOUT)
			}
		}
	}
	for name, f := range gates {
		if got := testing.AllocsPerRun(20, f); got != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, got)
		}
	}
	a.everySent(t)
}
