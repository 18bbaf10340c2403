package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// processTime returns the processor time of this process so far, or 0 if the kernel does not say.
func processTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
