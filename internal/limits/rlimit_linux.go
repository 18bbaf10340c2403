package limits

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// RaiseNofile gives this process (and those it starts from now on) as many descriptors as it can get, and returns
// how many that are. The soft limit is raised to the hard one; that needs no privilege and costs nothing, because a
// descriptor takes memory only once it is open. If want is more than the hard limit, that is raised too, which needs
// CAP_SYS_RESOURCE in the initial user namespace; being refused is no error. It never lowers anything.
func RaiseNofile(want int64) (int64, error) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if want > clamp(lim.Max) {
		more := syscall.Rlimit{Cur: uint64(want), Max: uint64(want)}
		switch err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more); {
		case err == nil:
			return want, nil
		case !errors.Is(err, syscall.EPERM): // as for more than fs.nr_open, too
			return clamp(lim.Cur), fmt.Errorf("raise nofile to %d: %w", want, os.NewSyscallError("setrlimit", err))
		}
	}
	lim.Cur = lim.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 0, fmt.Errorf("raise nofile to %d: %w", lim.Cur, os.NewSyscallError("setrlimit", err))
	}
	return clamp(lim.Cur), nil
}
