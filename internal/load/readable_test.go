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
	var r tickRing
	r.record(1, 100, 200, unasked)
	r.record(1, 100, 300, 70)
	r.record(1, 100, 400, unasked)
	got := mergeTicks(r.since(0), []Tick{{Seq: 1, Intended: 100, First: 150, Last: 390, Lag: 20, Count: 1}})
	if len(got) != 1 || got[0].Lag != 70 || got[0].Last != 400 || got[0].Count != 4 {
		t.Errorf("got %+v, want the lag of 70 of the loop that was last", got)
	}
	got = mergeTicks(got, []Tick{{Seq: 1, Intended: 100, First: 150, Last: 500, Lag: 20, Count: 1}})
	if got[0].Lag != 20 {
		t.Errorf("got a lag of %d, want 20", got[0].Lag)
	}
}
