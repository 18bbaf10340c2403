package prefork

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// settings returns a file at its beginning with what worker id is told. It lives in anonymous memory: it has no name
// and vanishes with its last descriptor.
func (s *Supervisor) settings(id int) (*os.File, error) {
	v, err := s.cfg.Settings(id)
	if err != nil {
		return nil, err
	}
	blob, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	fd, err := unix.MemfdCreate("settings", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "settings")
	if _, err := file.Write(blob); err != nil {
		file.Close()
		return nil, err
	}
	if _, err := file.Seek(0, 0); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
