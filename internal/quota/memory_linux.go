package quota

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counter has a cache line of its own: each is written by another process.
type counter struct {
	n atomic.Int64
	_ [56]byte
}

// newFile returns anonymous memory with parts counters that are zero.
func newFile(parts int) (*os.File, error) {
	fd, err := unix.MemfdCreate("quota", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make quota: %w", os.NewSyscallError("memfd_create", err))
	}
	file := os.NewFile(uintptr(fd), "quota")
	if err := file.Truncate(int64(parts) * int64(unsafe.Sizeof(counter{}))); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("make quota: %w", err)
	}
	return file, nil
}

// mapCounters maps all counters in file, for as long as the process lives.
//
// The bytes become counters through unsafe, which is sound because the kernel aligns a mapping to a page and because a
// counter has no pointer.
func mapCounters(file *os.File) ([]counter, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("map quota: %w", err)
	}
	bytes, err := unix.Mmap(int(file.Fd()), 0, int(stat.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map quota: %w", os.NewSyscallError("mmap", err))
	}
	parts := len(bytes) / int(unsafe.Sizeof(counter{}))
	return unsafe.Slice((*counter)(unsafe.Pointer(unsafe.SliceData(bytes))), parts), nil
}
