//go:build measure

package tuning_test

import (
	"bytes"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// conns is as many as fit twice into a process with nofile 20,000.
const conns = 9_500

// TestStorm measures net.core.somaxconn: how long until all of 9,500 simultaneous connects are accepted by a listener
// that is busy for the first 300 ms, as an event loop in a fan-out is.
func TestStorm(t *testing.T) {
	listener, address := listen(t)
	before := counter(t, "ListenOverflows")
	start := time.Now()
	for range conns {
		connect(t, address)
	}
	accepted := 0
	for time.Since(start) < 20*time.Second && accepted < conns {
		fd := -1
		if time.Since(start) > 300*time.Millisecond {
			fd, _, _ = syscall.Accept(listener)
		}
		if fd < 0 {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		accepted++
		closeAfter(t, fd)
	}
	t.Logf("somaxconn %s, tcp_max_syn_backlog %s: %d of %d accepted after %v, %d overflows",
		sysctl(t, "net.core.somaxconn"), sysctl(t, "net.ipv4.tcp_max_syn_backlog"),
		accepted, conns, time.Since(start).Round(10*time.Millisecond), counter(t, "ListenOverflows")-before)
}

// TestQueues measures net.ipv4.tcp_mem: how many pages messages take that are sent and not read yet.
func TestQueues(t *testing.T) {
	listener, address := listen(t)
	var clients, servers []int
	for range conns {
		clients = append(clients, connect(t, address))
		server := -1
		for server < 0 {
			server, _, _ = syscall.Accept(listener)
		}
		closeAfter(t, server)
		servers = append(servers, server)
	}
	t.Logf("%d idle connections: %d pages", conns, queuePages(t))
	buf := make([]byte, 1<<16)
	for _, size := range []int{100, 1000, 2000, 4000} {
		for _, fd := range servers {
			if _, err := syscall.Write(fd, buf[:size]); err != nil {
				t.Fatal(err)
			}
		}
		unread := queuePages(t)
		for _, fd := range clients {
			if _, err := syscall.Read(fd, buf); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%d bytes each: unread %d pages, read %d", size, unread, queuePages(t))
	}
}

func listen(t *testing.T) (int, syscall.Sockaddr) {
	t.Helper()
	fd := socket(t)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1<<16); err != nil {
		t.Fatal(err)
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, address
}

func connect(t *testing.T, address syscall.Sockaddr) int {
	t.Helper()
	fd := socket(t)
	if err := syscall.Connect(fd, address); err != nil && err != syscall.EINPROGRESS {
		t.Fatal(err)
	}
	return fd
}

func socket(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	return fd
}

func closeAfter(t *testing.T, fd int) {
	t.Cleanup(func() { syscall.Close(fd) })
}

// queuePages returns the «mem» of TCP in sockstat.
func queuePages(t *testing.T) int {
	t.Helper()
	return after(t, "/proc/net/sockstat", "mem")
}

// counter returns a counter of netstat's TcpExt.
func counter(t *testing.T, name string) int {
	t.Helper()
	lines := bytes.Split([]byte(read(t, "/proc/net/netstat")), []byte("\n"))
	names, values := bytes.Fields(lines[0]), bytes.Fields(lines[1])
	for i := range names {
		if string(names[i]) == name {
			return number(t, string(values[i]))
		}
	}
	t.Fatalf("got no counter %s", name)
	return 0
}

// after returns the number behind the first occurrence of word in a file.
func after(t *testing.T, file, word string) int {
	t.Helper()
	fields := bytes.Fields([]byte(read(t, file)))
	for i := range fields[:len(fields)-1] {
		if string(fields[i]) == word {
			return number(t, string(fields[i+1]))
		}
	}
	t.Fatalf("got no %s in %s", word, file)
	return 0
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
