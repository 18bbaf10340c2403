package session

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails the run if it leaves goroutines or descriptors behind.
func TestMain(m *testing.M) {
	// Parallel tests wait for timers; they need no processor each.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	warmUp()
	before := descriptors()
	code := m.Run()
	if code == 0 {
		code = leaks(before)
	}
	os.Exit(code)
}

// warmUp makes the Go runtime open the descriptors it keeps: its poller's.
func warmUp() {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = ln.Close()
	}
}

func leaks(before []string) (code int) {
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
		return 1
	}
	for deadline := time.Now().Add(patience); len(descriptors()) > len(before); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			fmt.Fprintf(os.Stderr, "descriptors left behind: got %q, want %q\n", descriptors(), before)
			return 1
		}
	}
	return 0
}

// descriptors lists what the process has open.
func descriptors() (open []string) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	defer dir.Close() //nolint:errcheck // only read
	names, err := dir.Readdirnames(-1)
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		to, err := os.Readlink("/proc/self/fd/" + name)
		if err == nil && !strings.HasSuffix(to, "/fd") {
			open = append(open, name+"="+to)
		}
	}
	return open
}
