package epoll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tight makes a socket full after a few dozen kilobytes.
var tight = Config{SndBuf: 16 << 10, NotSentLowat: 16 << 10}

// noise returns n bytes that differ from place to place and from seed to seed.
func noise(seed uint64, n int) []byte {
	src := rand.NewPCG(seed, 0)
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], src.Uint64())
	}
	return b[:n]
}

// fill sends frames to c until it is full, and returns what the client will get and the last status.
func fill(l *loop, c *conn, frame []byte) (sent []byte, last Status) {
	for {
		switch last = l.Send(c, frame); last {
		case Sent:
			sent = append(sent, frame...)
		case Partial:
			return append(sent, frame...), last
		default:
			return sent, last
		}
	}
}

func TestPartialSendRemembersTheVerySlice(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c, sc := n.connect()
	frame := noise(1, 1<<20)
	n.do(func() {
		if got := n.Send(sc, frame); got != Partial {
			t.Errorf("a frame larger than every buffer: got status %d, want Partial", got)
			return
		}
		rest := n.unsent.at(sc.unsent).rest
		if got, want := unsafe.SliceData(rest), &frame[len(frame)-len(rest)]; got != want {
			t.Errorf("got a rest at %p, want %p: the same bytes, not a copy", got, want)
		}
		if n.Unsent(sc) != len(rest) || !sc.IsBlocked() {
			t.Errorf("got %d unsent, blocked %t, want %d, true", n.Unsent(sc), sc.IsBlocked(), len(rest))
		}
		if got := n.Send(sc, frame); got != Blocked {
			t.Errorf("next frame: got status %d, want Blocked", got)
		}
		if n.Unsent(sc) != len(rest) {
			t.Errorf("got %d unsent after Blocked, want %d: nothing of it is remembered", n.Unsent(sc), len(rest))
		}
	})
	c.expect(string(frame))
	n.do(func() {
		if n.unsent.inUse() != 0 || n.Unsent(sc) != 0 || sc.IsBlocked() {
			t.Errorf("got %d entries, %d bytes, blocked %t, want none", n.unsent.inUse(), n.Unsent(sc), sc.IsBlocked())
		}
	})
}

func TestBlockedSendGoesOnFromOnWritable(t *testing.T) {
	frame := noise(2, 3000)
	const frames = 200
	var expected []byte
	resume := func(l *loop, c *conn) {
		for c.State().count < frames {
			switch l.Send(c, frame) {
			case Sent, Partial:
				c.State().count++
			case Blocked:
				return
			case Failed:
				t.Error("got Failed, want a live connection")
				return
			}
		}
	}
	n := serve(t, tight, &hooks{open: resume, writable: resume})
	for range frames {
		expected = append(expected, frame...)
	}
	c := sleeper(t, n.addr)
	n.next()
	c.expect(string(expected))
	s := n.stats()
	if s.Partial+s.Blocked == 0 {
		t.Error("got a socket that was never full, want one that was")
	}
	if s.BlockedConns != 0 || s.UnsentBytes != 0 {
		t.Errorf("got %d blocked, %d bytes unsent in the end, want 0", s.BlockedConns, s.UnsentBytes)
	}
	if s.BytesOut != uint64(len(expected)) {
		t.Errorf("got %d bytes out, want %d", s.BytesOut, len(expected))
	}
}

// A slow reader gets shared frames and bytes of its own in the order in which they were accepted, byte by byte.
func TestFramesAndControlBytesKeepTheirOrder(t *testing.T) {
	const frames = 300
	random := rand.New(rand.NewPCG(3, 0))
	var expected bytes.Buffer
	control := func(l *loop, c *conn, n int) {
		b := noise(random.Uint64(), n)
		if l.Write(c, b) == Failed {
			t.Error("write: got Failed, want a live connection")
		}
		expected.Write(b)
		clear(b) // the caller may reuse it at once
	}
	resume := func(l *loop, c *conn) {
		for c.State().count < frames {
			frame := noise(c.State().count, 1+random.IntN(9000))
			status := l.Send(c, frame)
			if status == Blocked {
				control(l, c, 1+random.IntN(20))
				return
			}
			c.State().count++
			expected.Write(frame)
			if random.IntN(4) == 0 || status == Partial {
				control(l, c, random.IntN(130))
			}
		}
		l.Close(c, reasonDone)
	}
	n := serve(t, tight, &hooks{open: resume, writable: resume})
	c := sleeper(t, n.addr)
	n.next()
	var got bytes.Buffer
	for chunk := make([]byte, 1000); ; {
		k, err := c.Read(chunk)
		got.Write(chunk[:k])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n.do(func() {
		if !bytes.Equal(got.Bytes(), expected.Bytes()) {
			t.Errorf("got %d bytes, want %d, equal", got.Len(), expected.Len())
		}
	})
}

func TestEpolloutIsArmedOnlyWhileUnsent(t *testing.T) {
	n := serve(t, tight, &hooks{})
	c := sleeper(t, n.addr)
	sc := n.next()
	out := func() bool {
		events, watched := armed(t, sc.FD())
		if !watched {
			t.Error("the connection is not watched")
		}
		return events&unix.EPOLLOUT != 0
	}
	if out() {
		t.Error("a new connection: got EPOLLOUT, want none")
	}
	var sent []byte
	for range 3 {
		n.do(func() { sent, _ = fill(n.loop, sc, noise(4, 100_000)) })
		if !out() {
			t.Error("a full socket: got no EPOLLOUT, want it")
		}
		c.expect(string(sent))
		n.do(func() {})
		eventually(t, "EPOLLOUT is off again", func() bool { return !out() })
	}
}

func TestSleeperDelaysNobody(t *testing.T) {
	n := serve(t, tight, &hooks{})
	sleeping := sleeper(t, n.addr)
	sleeperFD := n.next().FD()
	const readers, messages = 20, 100
	var fds []int32
	var clients []*client
	for range readers {
		c, sc := n.connect()
		clients, fds = append(clients, c), append(fds, sc.FD())
	}
	fds = append([]int32{sleeperFD}, fds...)
	out := make([]Status, len(fds))
	for i := range messages {
		frame := noise(uint64(i), 2000)
		n.do(func() { n.SendMany(frame, fds, out) })
		for _, c := range clients { // all of them have it before the next one is sent
			c.expect(string(frame))
		}
	}
	n.do(func() {
		if out[0] != Blocked {
			t.Errorf("sleeper: got status %d, want Blocked", out[0])
		}
		for i, status := range out[1:] {
			if status != Sent {
				t.Errorf("reader %d: got status %d, want Sent", i, status)
			}
		}
		sleeper := n.At(sleeperFD)
		if n.unsent.inUse() > 1 || n.Unsent(sleeper) > 2000 {
			t.Errorf("got %d entries, %d bytes, want one for less than a frame", n.unsent.inUse(), n.Unsent(sleeper))
		}
		n.Reset(sleeper, reasonEvicted)
		if n.unsent.inUse() != 0 || n.Stats().BlockedConns != 0 {
			t.Errorf("after its eviction: got %d entries, %d blocked, want none", n.unsent.inUse(), n.Stats().BlockedConns)
		}
	})
	if got := n.closing(); got.fd != sleeperFD || got.reason != reasonEvicted {
		t.Errorf("got %+v, want the sleeper's eviction", got)
	}
	_ = sleeping.Close()
}

func TestWriteBeyondMaxPendingResets(t *testing.T) {
	cfg := tight
	cfg.MaxPending = 1000
	n := serve(t, cfg, &hooks{})
	_ = sleeper(t, n.addr)
	sc := n.next()
	n.do(func() {
		fill(n.loop, sc, noise(5, 100_000))
		for i, want := range []Status{Partial, Partial, Failed, Failed} {
			if got := n.Write(sc, make([]byte, 450)); got != want {
				t.Errorf("write %d of 450 bytes: got status %d, want %d", i, got, want)
			}
		}
	})
	if got := n.closing(); got.reason != PendingExceeded {
		t.Errorf("got %v, want %v", got.reason, PendingExceeded)
	}
}

// Pending bytes that never run out must not pile up: here a peer takes some, but never all.
func TestPendingStaysBoundedBehindATricklingPeer(t *testing.T) {
	u := unsent{}
	var got, want []byte
	for i := range 10_000 {
		u.compact()
		b := fmt.Appendf(nil, "<pong %d>", i)
		u.pending = keep(u.pending, b)
		want = append(want, b...)
		n := len(u.pending) - 5 // five bytes always stay
		got = append(got, u.pending[u.taken:n]...)
		u.taken = n
		if cap(u.pending) > 64 {
			t.Fatalf("after %d writes: got a buffer of %d bytes, want one that does not grow", i, cap(u.pending))
		}
	}
	if got = append(got, u.pending[u.taken:]...); !bytes.Equal(got, want) {
		t.Error("the bytes that came out are not those that went in")
	}
}

func TestSendToAConnectionThatIsGone(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	_, sc := n.connect()
	n.do(func() {
		n.Close(sc, reasonDone)
		if sc.Alive() {
			t.Error("after Close: got alive, want not")
		}
		out := []Status{Sent}
		n.SendMany([]byte("late"), []int32{sc.FD()}, out)
		if got := n.Write(sc, []byte("late")); got != Failed || out[0] != Failed {
			t.Errorf("got statuses %d and %d, want Failed", got, out[0])
		}
	})
}

func TestKeepGrowsAndKeeps(t *testing.T) {
	var buf, want []byte
	for i := range 200 {
		b := noise(uint64(i), i)
		buf, want = keep(buf, b), append(want, b...)
		if !bytes.Equal(buf, want) {
			t.Fatalf("after %d pieces: got %d bytes, want %d, equal", i, len(buf), len(want))
		}
	}
}

func TestTableReusesEntries(t *testing.T) {
	var tb table[string]
	a, b := tb.add("a"), tb.add("b")
	if a == 0 || b == 0 || a == b {
		t.Fatalf("got references %d and %d, want two that are not 0", a, b)
	}
	tb.drop(a)
	if got := tb.inUse(); got != 1 {
		t.Errorf("got %d in use, want 1", got)
	}
	if c := tb.add("c"); c != a || *tb.at(c) != "c" || *tb.at(b) != "b" {
		t.Errorf("got reference %d with %q beside %q, want %d with c beside b", c, *tb.at(c), *tb.at(b), a)
	}
	if got := len(tb.entries); got != 2 {
		t.Errorf("got %d entries, want 2", got)
	}
}
