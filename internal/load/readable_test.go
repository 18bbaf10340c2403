package load

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel says how long data has been in a socket, however late it is asked.
func TestReadable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	raw, err := client.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var r readable
	ask := func() (age time.Duration) {
		if err := raw.Control(func(fd uintptr) { r.asked = 0; r.ask(int32(fd), time.Now().UnixNano()) }); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.age)
	}
	before := time.Now()
	if _, err := server.Write([]byte("tick")); err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	const jiffy = 20 * time.Millisecond // two of the longest that kernels are built with
	for deadline := time.Now().Add(10 * time.Second); ask() < 100*time.Millisecond; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("got %v after 10 s, want more than 100 ms", ask())
		}
	}
	if age, most := ask(), time.Since(before)+jiffy; age > most || age < 100*time.Millisecond {
		t.Errorf("got %v, want at most %v", age, most)
	}
	if least := time.Since(after) - jiffy; ask() < least {
		t.Errorf("got %v, want at least %v", time.Duration(r.age), least)
	}
	if r.ask(0, r.asked+1); r.age != unasked {
		t.Errorf("got %d, want no answer so soon after the last question", r.age)
	}
	if r.ask(int32(unix.Stdin), r.asked+askEvery); r.age != unasked {
		t.Errorf("got %d of what is no TCP connection, want no answer", r.age)
	}
}

// Of a tick that several loops have seen, the lag of the last delivery counts; one that nobody asked about changes nothing.
func TestLagOfATick(t *testing.T) {
	r := newTickRing(1)
	r.record(&sighting{stamp: stamp{seq: 1, due: 100}, now: 200}, unasked)
	r.record(&sighting{stamp: stamp{seq: 1, due: 100}, now: 300}, 70)
	r.record(&sighting{stamp: stamp{seq: 1, due: 100}, now: 400}, unasked)
	got := mergeTicks(r.since(0), []Tick{{Seq: 1, Intended: 100, First: 150, Last: 390, Lag: 20, Count: 1}})
	if len(got) != 1 || got[0].Lag != 70 || got[0].Last != 400 || got[0].Count != 4 {
		t.Errorf("got %+v, want the lag of 70 of the loop that was last", got)
	}
	got = mergeTicks(got, []Tick{{Seq: 1, Intended: 100, First: 150, Last: 500, Lag: 20, Count: 1}})
	if got[0].Lag != 20 {
		t.Errorf("got a lag of %d, want 20", got[0].Lag)
	}
}

// What the loop says about a message's wait is cut to what the kernel says about the last read it was asked about, and those
// after it.
func TestLag(t *testing.T) {
	const ms, tick = int64(time.Millisecond), int64(4 * time.Millisecond)
	tests := []struct {
		name      string
		age       int64 // of the read before, which was asked about; unasked: no answer
		messages  int64 // in it
		waited    int64 // of the read at hand, 1 ms later
		want, own int64 // of the read at hand, and of the one before with the same waited
	}{
		{"the loop's word is within the kernel's", 100 * ms, 1, 102 * ms, 102 * ms, 102 * ms},
		{"two rounds are longer than the wait", 100 * ms, 1, 200 * ms, 105 * ms, 104 * ms},
		{"woken late", 100 * ms, 1, 0, 97 * ms, 96 * ms},
		{"short waits are the loop's to tell", 0, 1, ms / 2, ms / 2, ms / 2},
		{"no answer", unasked, 1, 200 * ms, 200 * ms, 200 * ms},
		{"the age of the last of several", 0, 2, 200 * ms, 200 * ms, 200 * ms},
	}
	for _, tt := range tests {
		r := readable{age: tt.age, known: unasked, asked: 1000 * ms, tick: tick}
		if got := r.lag(time.Duration(tt.waited), r.asked, tt.messages); got != time.Duration(tt.own) {
			t.Errorf("%s: got %v, want %v", tt.name, got, time.Duration(tt.own))
		}
		r.age = unasked
		if got := r.lag(time.Duration(tt.waited), r.asked+ms, 3); got != time.Duration(tt.want) {
			t.Errorf("%s, later: got %v, want %v", tt.name, got, time.Duration(tt.want))
		}
	}
}

// TestEveryMessageHasALag: whatever came in one read, and with or without a kernel that answers.
func TestEveryMessageHasALag(t *testing.T) {
	for _, transport := range []Transport{WebSocket, SSE} {
		l, c := hotLoop(t, transport)
		var both []byte
		for _, message := range framed(transport, 2) {
			both = append(both, message...)
		}
		l.OnData(c, both)
		l.OnData(c, both[:len(both)/2])
		if got := l.lag.dist().Total(); got != 3 {
			t.Errorf("%v: got %d lags, want 3", transport, got)
		}
	}
}
