package bus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockName is the file below Config.Dir whose lock says that a process uses the directory.
const lockName = "tickgate.lock"

// lockDir creates dir if need be and takes its lock, which the kernel releases when the process ends, however
// it ends (flock(2)). It also finds out whether the directory can be written to, for the server would only log
// that.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		return nil, lockError(f, dir, err)
	}
	if err := writeHolder(f); err != nil {
		f.Close()
		return nil, &StorageError{Dir: dir, Err: err}
	}
	return f, nil
}

// writeHolder leaves the process id for whoever finds the lock taken, and by that writes to the disk.
func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		return err
	}
	return f.Sync()
}

func lockError(f *os.File, dir string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock data directory %s: %w", dir, os.NewSyscallError("flock", err))
	}
	holder, _ := io.ReadAll(io.LimitReader(f, 32))
	return fmt.Errorf("open data directory %s: process %s uses it already", dir, strings.TrimSpace(string(holder)))
}
