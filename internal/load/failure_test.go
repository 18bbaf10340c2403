package load

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFailureErrno: what a dial meets is named, and what is a limit of this machine leads back to its error.
func TestFailureErrno(t *testing.T) {
	tests := []struct {
		call  string
		errno unix.Errno
		want  Failure
		limit unix.Errno // 0: none
	}{
		{"socket", unix.EMFILE, NoFiles, unix.EMFILE},
		{"socket", unix.ENFILE, NoFiles, unix.EMFILE},
		{"socket", unix.ENOBUFS, NoMemory, unix.ENOBUFS},
		{"socket", unix.ENOMEM, NoMemory, unix.ENOBUFS},
		{"connect", unix.EADDRNOTAVAIL, NoPorts, unix.EADDRNOTAVAIL},
		{"bind", unix.EADDRNOTAVAIL, NoSource, 0},
		{"epoll_ctl", unix.ENOSPC, NoWatches, unix.ENOSPC},
		{"connect", unix.ETIMEDOUT, TimedOut, 0},
		{"connect", unix.ECONNREFUSED, Refused, 0},
		{"connect", unix.EACCES, SystemError, 0},
	}
	for _, tt := range tests {
		got := failureOf(fmt.Errorf("dial: %w", os.NewSyscallError(tt.call, tt.errno)))
		if got != tt.want || got.Errno() != tt.limit {
			t.Errorf("%s: %v: got %s (%v), want %s (%v)", tt.call, tt.errno, got, got.Errno(), tt.want, tt.limit)
		}
		if got.Errno() != 0 && got.Remedy() == "" {
			t.Errorf("%s: got no remedy for a limit of this machine", got)
		}
	}
}

// TestPrintable: an example goes to the user's terminal and into a page, whatever the server has sent.
func TestPrintable(t *testing.T) {
	if got, want := printable([]byte("Ver\xffboten \u009b31m\tü")), "Ver\uFFFDboten \uFFFD31m\uFFFDü"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
