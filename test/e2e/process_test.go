package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logBuffer collects what a process prints; safe for concurrent use.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// pids lists the processes of the machine.
func pids() []int {
	entries, _ := filepath.Glob("/proc/[0-9]*")
	list := make([]int, 0, len(entries))
	for _, entry := range entries {
		if pid, err := strconv.Atoi(filepath.Base(entry)); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// markedPids lists the living processes that this test run started, directly or not.
func markedPids() []int {
	var list []int
	for _, pid := range pids() {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+mark+"\x00")) {
			list = append(list, pid)
		}
	}
	return list
}

// marked describes the processes of markedPids.
func marked() []string {
	var left []string
	for _, pid := range markedPids() {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && len(line) > 0 {
			left = append(left, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return left
}

func killMarked() {
	for _, pid := range markedPids() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// stat returns the fields of /proc/PID/stat from the third (state) on, nil if the process is gone.
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, ok := strings.Cut(string(b), ") ") // the second field, the name, may hold spaces
	if !ok {
		return nil
	}
	return strings.Fields(rest)
}

// alive reports whether the process exists and is no zombie.
func alive(pid int) bool {
	fields := stat(pid)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// children lists the living direct children of a process.
func children(pid int) []int {
	var list []int
	for _, child := range pids() {
		fields := stat(child)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) && fields[0] != "Z" {
			list = append(list, child)
		}
	}
	return list
}

// cpuTime returns the user and system time a process has used; /proc counts it in ticks of 10 ms.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	fields := stat(pid)
	if len(fields) < 13 {
		t.Fatalf("got no /proc/%d/stat: the process is gone", pid)
	}
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("/proc/%d/stat: got %q as a time", pid, field)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory returns the bytes of a line of /proc/PID/status such as VmRSS or RssAnon.
func memory(t testing.TB, pid int, line string) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(row, line+":"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatalf("/proc/%d/status: got %q", pid, row)
			}
			return kib << 10
		}
	}
	t.Fatalf("/proc/%d/status: got no line %s", pid, line)
	return 0
}

// sockets counts the socket descriptors of a process.
func sockets(pid int) int {
	entries, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	count := 0
	for _, entry := range entries {
		if target, err := os.Readlink(entry); err == nil && strings.HasPrefix(target, "socket:") {
			count++
		}
	}
	return count
}
