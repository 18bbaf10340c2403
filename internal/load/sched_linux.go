package load

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Batch puts all threads of this process under SCHED_BATCH (sched(7)): waking one up never preempts whoever is
// running, so a message the swarm receives does not interrupt the server that is sending the next one. Threads and
// processes started later inherit it. Call it before the loops run.
func Batch() error {
	// A thread may be started by one not yet moved while the list is read; such a one is in the next list.
	for moved := -1; moved != 0; {
		var err error
		if moved, err = batchThreads(); err != nil {
			return fmt.Errorf("move threads to SCHED_BATCH: %w", err)
		}
	}
	return nil
}

// batchThreads returns how many threads it had to move.
func batchThreads() (moved int, err error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0, err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			return moved, err
		}
		changed, err := batchThread(tid)
		if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
			return moved, err
		}
		if changed {
			moved++
		}
	}
	return moved, nil
}

func batchThread(tid int) (changed bool, err error) {
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		return false, os.NewSyscallError("sched_getattr", err)
	}
	if attr.Policy != unix.SCHED_NORMAL { // batch already, or something stronger the user chose
		return false, nil
	}
	attr.Policy = unix.SCHED_BATCH
	return true, os.NewSyscallError("sched_setattr", unix.SchedSetAttr(tid, attr, 0))
}
