package epoll

import (
	"fmt"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tickgate/internal/epoll/floor"
)

// benchConns is how many connections a benchmark sends one frame each; benchRounds, how often, before the other ends
// are emptied with the clock stopped.
const (
	benchConns  = 1000
	benchRounds = 32
)

// kinds are the sockets a benchmark sends to. What the kernel does for one send over loopback TCP (6 µs and more, the
// receiver's part included) hides what the loop adds; a socket pair shows it.
var kinds = []struct {
	name string
	fill func(*audience, testing.TB, int)
}{
	{"tcp", (*audience).addTCP},
	{"pair", (*audience).addPairs},
}

// BenchmarkSendMany is one delivery through the loop. Compare with BenchmarkFloor of the same run.
func BenchmarkSendMany(b *testing.B) {
	deliver(b, func(a *audience, frame []byte) bool {
		a.SendMany(frame, a.fds, a.out)
		return a.out[0] == Sent && a.out[len(a.out)-1] == Sent
	})
}

// BenchmarkFloor is one delivery by nothing but send(2) in a loop, as a bare server does it (package floor).
func BenchmarkFloor(b *testing.B) {
	var short []int32
	deliver(b, func(a *audience, frame []byte) bool {
		short = floor.Broadcast(a.fds, frame, short[:0])
		return len(short) == 0
	})
}

// deliver measures send, which sends a frame to everybody, per delivery.
func deliver(b *testing.B, send func(*audience, []byte) bool) {
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			a := newAudience(b, Config{}, &hooks{}, 0)
			kind.fill(a, b, benchConns)
			frame := noise(1, 128) // about a tick
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += benchConns {
				if i/benchConns%benchRounds == 0 {
					b.StopTimer()
					a.drain()
					b.StartTimer()
				}
				if !send(a, frame) {
					b.Fatal("not everybody got everything")
				}
			}
		})
	}
}

func (a *audience) addPairs(t testing.TB, conns int) {
	for range conns {
		p := admitted(t, a.node)
		a.add(p)
	}
}

func (a *audience) add(p pair) {
	a.pairs, a.fds, a.out = append(a.pairs, p), append(a.fds, p.fd), append(a.out, 0)
}

// addTCP adds connections over loopback.
func (a *audience) addTCP(t testing.TB, conns int) {
	t.Helper()
	addr, err := a.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sa, _ := toSockaddr(addr)
	for range conns {
		peer, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(peer) })
		if err := unix.Connect(peer, sa); err != nil {
			t.Fatal(err)
		}
		if !a.acceptOne(0) {
			t.Fatal("accept: nobody there")
		}
		a.add(pair{<-a.opened, int32(peer)})
	}
}

// BenchmarkSendSyscall compares a send that the Go scheduler knows of with one that it does not.
func BenchmarkSendSyscall(b *testing.B) {
	known := func(fd int32, p []byte) (int, unix.Errno) {
		n, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		return int(n), errno
	}
	for _, call := range []struct {
		name string
		send func(int32, []byte) (int, unix.Errno)
	}{{"raw", send}, {"known", known}} {
		for _, busy := range []int{0, 4} {
			b.Run(fmt.Sprintf("%s/busy=%d", call.name, busy), func(b *testing.B) {
				defer makeBusy(busy)()
				a := newAudience(b, Config{}, &hooks{}, 0)
				a.addTCP(b, benchConns)
				frame := noise(1, 128)
				b.ResetTimer()
				for i := 0; i < b.N; i++ {
					if i%(benchRounds*benchConns) == 0 {
						b.StopTimer()
						a.drain()
						b.StartTimer()
					}
					if n, errno := call.send(a.fds[i%benchConns], frame); n != len(frame) {
						b.Fatal(n, errno)
					}
				}
			})
		}
	}
}

// makeBusy keeps n goroutines computing until the returned function is called.
func makeBusy(n int) (stop func()) {
	done := make(chan struct{})
	for range n {
		go func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
			}
		}()
	}
	return func() { close(done) }
}

// BenchmarkRead is one read of a small request, from the event to the handler.
func BenchmarkRead(b *testing.B) {
	a := newAudience(b, Config{}, &hooks{}, 1)
	c, request := a.At(a.fds[0]), noise(1, 100)
	b.ReportAllocs()
	for b.Loop() {
		a.pairs[0].write(b, request)
		a.ready(c, unix.EPOLLIN)
	}
}

// BenchmarkSetTimer is the price of moving a deadline.
func BenchmarkSetTimer(b *testing.B) {
	a := newAudience(b, Config{}, &hooks{}, 100)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		a.SetTimer(a.At(a.fds[i%100]), Tick*20)
		i++
	}
}

// BenchmarkAccept is one connection through accept, Reset and the end of its batch; the client's part is not counted.
func BenchmarkAccept(b *testing.B) {
	a := newAudience(b, Config{}, &hooks{}, 0)
	addr, err := a.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	sa, _ := toSockaddr(netip.AddrPortFrom(addr.Addr(), addr.Port()))
	b.ReportAllocs()
	for i := 0; i < b.N; i += benchRounds {
		b.StopTimer()
		var peers []int
		for range benchRounds {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				b.Fatal(err)
			}
			if err := unix.Connect(fd, sa); err != nil {
				b.Fatal(err)
			}
			peers = append(peers, fd)
		}
		b.StartTimer()
		for range benchRounds {
			a.acceptOne(0)
			a.Reset(a.At(<-a.opened), reasonDone)
		}
		a.reap()
		b.StopTimer()
		for _, fd := range peers {
			_ = unix.Close(fd)
		}
		for len(a.ends) > 0 {
			<-a.ends
		}
		b.StartTimer()
	}
}
