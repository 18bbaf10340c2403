package e2e

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startSwarm starts a swarm that tries until the test ends, and returns what it prints.
func startSwarm(t testing.TB, wrap []string, url string, flags ...string) *logBuffer {
	t.Helper()
	line := slices.Concat(wrap, []string{binaries.swarm, url, "--rate=2000", "--ramp-timeout=2m", "--pid=none", "--progress=off"}, flags)
	cmd := exec.Command(line[0], line[1:]...)
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
		checkNoCrash(t, log.String())
		if t.Failed() {
			t.Logf("the swarm's output ends with:\n%s", tail(log.String(), 20))
		}
	})
	return log
}

// tells waits until one of several swarms prints the doctor's line for a limit, and checks that it does so once.
func tells(t testing.TB, limit string, swarms ...*logBuffer) {
	t.Helper()
	all := func() string {
		var b strings.Builder
		for _, s := range swarms {
			b.WriteString(s.String())
		}
		return b.String()
	}
	eventually(t, patience, "line that says "+limit, func() bool { return strings.Contains(all(), limit) })
	for line := range strings.Lines(all()) {
		if strings.Contains(line, limit) && (!strings.Contains(line, "to raise it: ") || !strings.Contains(line, "to undo that: ")) {
			t.Errorf("got %q, want it to say how to raise the limit and how to undo that", line)
		}
	}
	for i, s := range swarms {
		if n := strings.Count(s.String(), limit); n > 1 {
			t.Errorf("swarm %d told of the limit %d times, want once", i, n)
		}
	}
}

// TestSwarmTellsDescriptors: a swarm out of descriptors says which limit that is and what moves it.
func TestSwarmTellsDescriptors(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"max-conns": "1000"}})
	log := startSwarm(t, descriptors(400), "http://"+g.Addr, "--conns=600", "--processes=1")
	tells(t, "too many open files: nofile is 400 descriptors, needs 856 descriptors", log)
}

// TestSwarmTellsPorts: two swarms share an address whose ports are enough for one of them.
func TestSwarmTellsPorts(t *testing.T) {
	inNamespace(t, func() {
		setSysctl(t, "net.ipv4.ip_local_port_range", "20000 20199")
		g := startGateway(t, setup{flags: map[string]string{"listen": "127.0.0.1:8080", "admin": "127.0.0.1:9090", "max-conns": "1000"}})
		var logs []*logBuffer
		for range 2 {
			logs = append(logs, startSwarm(t, nil, "http://"+g.Addr, "--conns=150", "--source=127.0.0.1"))
		}
		tells(t, "cannot assign requested address: net.ipv4.ip_local_port_range is 200 ports, needs", logs...)
	})
}

// TestSwarmTellsQueue: the kernel drops connection requests to a server that does not accept fast enough, without an error for anybody.
func TestSwarmTellsQueue(t *testing.T) {
	inNamespace(t, func() {
		url := serveOneOnly(t)
		log := startSwarm(t, nil, url, "--conns=200", "--timeout=5s")
		tells(t, "handshakes were put off", log)
	})
}

// serveOneOnly returns the URL of an event stream for a single client; the accept queue has room for one more.
func serveOneOnly(t testing.TB) (url string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		client, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		if err != nil {
			return // the test is over
		}
		_, _ = unix.Write(client, []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1000\n\n"))
		_ = unix.Close(client)
	}()
	return fmt.Sprintf("http://127.0.0.1:%d/sse", address.(*unix.SockaddrInet4).Port)
}
