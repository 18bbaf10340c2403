package limits

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// RaiseNofile gives this process (and those it starts from now on) as many descriptors as it can get, and returns
// how many that are. The soft limit is raised to the hard one; that needs no privilege and costs nothing, because a
// descriptor takes memory only once it is open. If want is more than the hard limit, that is raised too, at most to
// fs.nr_open, which needs CAP_SYS_RESOURCE in the initial user namespace; being refused is no error. It never lowers
// anything.
func RaiseNofile(want int64) (int64, error) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if want = min(want, nrOpen()); want > clamp(lim.Max) {
		err := setNofile(uint64(want), uint64(want))
		if err == nil || !errors.Is(err, syscall.EPERM) {
			return want, err
		}
	}
	return clamp(lim.Max), setNofile(lim.Max, lim.Max)
}

func setNofile(soft, hard uint64) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: soft, Max: hard}); err != nil {
		return fmt.Errorf("raise nofile to %d: %w", soft, os.NewSyscallError("setrlimit", err))
	}
	return nil
}

// nrOpen returns fs.nr_open, or its default where it cannot be read.
func nrOpen() int64 {
	const byDefault = 1 << 20
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return byDefault
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return byDefault
	}
	return n
}
