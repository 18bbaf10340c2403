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
	return newMemory(int64(parts) * int64(unsafe.Sizeof(counter{})))
}

// newMemory returns size bytes of anonymous memory that are zero. The kernel gives pages when they are first used.
func newMemory(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("quota", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make quota: %w", os.NewSyscallError("memfd_create", err))
	}
	file := os.NewFile(uintptr(fd), "quota")
	if err := file.Truncate(size); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("make quota: %w", err)
	}
	return file, nil
}

// mapMemory maps all of file, for as long as the process lives.
func mapMemory(file *os.File) ([]byte, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("map quota: %w", err)
	}
	bytes, err := unix.Mmap(int(file.Fd()), 0, int(stat.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map quota: %w", os.NewSyscallError("mmap", err))
	}
	return bytes, nil
}

// mapCounters maps all counters in file, for as long as the process lives.
func mapCounters(file *os.File) ([]counter, error) {
	bytes, err := mapMemory(file)
	if err != nil {
		return nil, err
	}
	return cast[counter](bytes, len(bytes)/int(unsafe.Sizeof(counter{}))), nil
}

// cast returns n values of type T that begin where bytes do.
//
// The bytes become values through unsafe, which is sound because the kernel aligns a mapping to a page, because callers keep the
// offsets in it multiples of 8, and because T is an atomic number or made of some, without a pointer.
func cast[T any](bytes []byte, n int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), n)
}
