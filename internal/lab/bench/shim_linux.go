package bench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"tickgate/internal/lab/netns"
)

// namespaceFD is the descriptor of the namespace that a shim is started with.
const namespaceFD = 3

// Exec is the shim: it sets the descriptor limit, enters the network namespace and becomes the program that follows "--" in its arguments. It
// returns only if that fails.
func Exec(args []string) error {
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	nofile := flags.Uint64("nofile", 0, "RLIMIT_NOFILE, soft and hard; 0 leaves it")
	namespace := flags.Uint("namespace", 0, "descriptor of a network namespace; 0 leaves it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	argv := flags.Args()
	if len(argv) == 0 {
		return errors.New("no program")
	}
	// Threads differ in their namespaces and in the signal of their parent's death, and the one that calls execve(2) decides. The program shall die
	// with lab as the shim does; until then the shim's first thread still has the signal that it was started with.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_PDEATHSIG)", err)
	}
	if *namespace > 0 {
		file := os.NewFile(uintptr(*namespace), "namespace")
		if err := netns.Enter(file); err != nil {
			return err
		}
		file.Close()
	}
	if *nofile > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: *nofile, Max: *nofile}); err != nil {
			return fmt.Errorf("set nofile to %d: %w", *nofile, os.NewSyscallError("setrlimit", err))
		}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return os.NewSyscallError("execve", syscall.Exec(path, argv, os.Environ()))
}
