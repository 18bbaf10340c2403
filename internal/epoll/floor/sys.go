package floor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Broadcast sends frame to every descriptor of to, and appends to short those that did not take all of it. This loop is
// the floor.
func Broadcast(to []int32, frame []byte, short []int32) []int32 {
	for _, fd := range to {
		if n, _ := send(fd, frame); n != len(frame) {
			short = append(short, fd)
		}
	}
	return short
}

// The system calls are made without telling the Go scheduler, as package epoll does it.

func send(fd int32, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func recv(fd int32, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
