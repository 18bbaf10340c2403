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
	r.asked, r.size = now, tcpInfo
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&r.info)), uintptr(unsafe.Pointer(&r.size)), 0)
	if errno == 0 && r.size == tcpInfo {
		r.age = int64(binary.NativeEndian.Uint32(r.info[lastDataRecv:])) * int64(time.Millisecond)
	}
}
