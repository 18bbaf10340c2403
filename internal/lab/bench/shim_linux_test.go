package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tickgate/internal/lab/bench"
)

// envDeathSignal makes the test binary print the signal that it gets when its parent dies.
const envDeathSignal = "BENCH_TEST_DEATH_SIGNAL"

// execElsewhere is the shim on a thread that is not the process's first, where it may find itself at any time.
func execElsewhere(args []string) error {
	runtime.LockOSThread() // so that the other goroutine has to run on another thread
	failed := make(chan error)
	go func() { failed <- bench.Exec(args) }()
	return <-failed
}

func printDeathSignal() int {
	var signal int32
	err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0, 0, 0)
	fmt.Println(signal, err)
	return 0
}

// TestProgramDiesWithLab: the program that a shim has become still has the death signal that the shim was started with, whichever thread called
// execve(2).
func TestProgramDiesWithLab(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread() // the signal is bound to the thread that starts the process
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], "exec", "--", os.Args[0])
	cmd.Env = append(os.Environ(), envDeathSignal+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	if got, want := string(out), "9 <nil>\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
