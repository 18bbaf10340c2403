package load

import (
	"encoding/binary"
	"time"
	"unsafe" // getsockopt(2) into a buffer of the loop's own: package unix allocates one per call

	"golang.org/x/sys/unix"
)

// readable tells how long what a client is about to read has been in its socket. The kernel knows when the last segment
// with data came (tcp_info, tcpi_last_data_recv), to the tick of its clock, 1 to 10 ms. Event loop only.
type readable struct {
	asked int64 // when it was last asked, Unix nanoseconds
	age   int64 // nanoseconds, for the read at hand; unasked if it was not asked for
	known int64 // the age that was last told of a single message, asked before now; unasked if it is not known
	tick  int64 // of the kernel's clock, nanoseconds; an age is off by less
	info  [tcpInfo]byte
	size  uint32
}

const (
	// unasked is an age that is not known.
	unasked = int64(-1)
	// askEvery spaces the questions of one loop: they take a microsecond each, and so a thousandth of its time.
	askEvery = int64(time.Millisecond)
	// lastDataRecv is where tcpi_last_data_recv is in struct tcp_info (linux/tcp.h), and tcpInfo how much of it is wanted.
	lastDataRecv = 52
	tcpInfo      = lastDataRecv + 4
)

// ask is called before a read of fd is dealt with.
func (r *readable) ask(fd int32, now int64) {
	r.age = unasked
	if now-r.asked < askEvery {
		return
	}
	r.asked, r.size, r.known = now, tcpInfo, unasked
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&r.info)), uintptr(unsafe.Pointer(&r.size)), 0)
	if errno == 0 && r.size == tcpInfo {
		r.age = int64(binary.NativeEndian.Uint32(r.info[lastDataRecv:])) * int64(time.Millisecond)
	}
}

// newReadable returns one that knows nothing yet.
func newReadable() readable {
	r := readable{age: unasked, known: unasked, tick: int64(10 * time.Millisecond)} // the longest tick that kernels are built with
	var ts unix.Timespec
	if unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &ts) == nil && ts.Nano() > 0 {
		r.tick = min(r.tick, ts.Nano())
	}
	return r
}

// lag returns for how long the n messages of the read at hand had been readable. waited is what the event loop says: time
// since a round began, which is too long, or since it was woken, which is too short. The kernel's word holds for the last
// read that it was asked about, if that had a single message, and then for those after it: messages are read in the order
// in which they came, so that none of them has waited for longer than that one has by now.
func (r *readable) lag(waited time.Duration, now, n int64) time.Duration {
	if r.age != unasked && n == 1 {
		r.known = r.age
	}
	if r.known == unasked {
		return waited
	}
	since := r.known + now - r.asked
	return max(min(waited, time.Duration(since+r.tick)), time.Duration(since-r.tick))
}
