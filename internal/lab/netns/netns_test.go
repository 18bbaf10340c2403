package netns_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"tickgate/internal/lab/netns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// namespace makes a namespace, or skips where that is not allowed.
func namespace(t *testing.T) *netns.Namespace {
	t.Helper()
	ns, err := netns.New()
	if errors.Is(err, unix.EPERM) {
		t.Skip("network namespaces need CAP_SYS_ADMIN")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

// listen accepts connections in ns and echoes one byte on each.
func listen(t *testing.T, ns *netns.Namespace, addr string) string {
	t.Helper()
	var listener net.Listener
	err := ns.Do(func() (err error) {
		listener, err = net.Listen("tcp4", addr)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1)
			if _, err := conn.Read(b); err == nil {
				conn.Write(b)
			}
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

// echo sends a byte from ns and waits for its return, for as long as patience at each step.
func echo(ns *netns.Namespace, addr string, patience time.Duration) error {
	return ns.Do(func() error {
		conn, err := net.DialTimeout("tcp4", addr, patience)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		if _, err := conn.Write([]byte{1}); err != nil {
			return err
		}
		_, err = conn.Read(make([]byte, 1))
		return err
	})
}

// The same address can be listened at outside and inside: outside nobody is reached who is inside.
func TestLoopbackIsApart(t *testing.T) {
	ns := namespace(t)
	outside, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	addr := outside.Addr().String()
	if got := listen(t, ns, addr); got != addr {
		t.Fatalf("inside: got a listener at %s, want %s", got, addr)
	}
	if err := echo(ns, addr, time.Minute); err != nil {
		t.Errorf("inside: got %v, want an echo", err)
	}
	if err := outside.(*net.TCPListener).SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if conn, err := outside.Accept(); err == nil {
		conn.Close()
		t.Error("outside: got the connection that was made inside")
	}
}

func TestLinkAndSilence(t *testing.T) {
	server, client := namespace(t), namespace(t)
	if err := netns.Link(server, client); err != nil {
		t.Skipf("cannot link namespaces: %v", err)
	}
	addr := listen(t, server, netns.ServerAddr+":0")
	if err := echo(client, addr, time.Minute); err != nil {
		t.Fatalf("before: got %v, want an echo", err)
	}
	if err := client.Silence(); err != nil {
		t.Fatal(err)
	}
	err := echo(client, addr, 300*time.Millisecond)
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		if !errors.Is(err, unix.EPERM) { // what connect says to a process whose own packet is dropped
			t.Errorf("after: got %v, want silence", err)
		}
	}
}

// TestLimit sends more than the link takes at once.
func TestLimit(t *testing.T) {
	server, client := namespace(t), namespace(t)
	if err := netns.Link(server, client); err != nil {
		t.Skipf("cannot link namespaces: %v", err)
	}
	if err := server.Limit("8mbit"); err != nil {
		t.Skipf("cannot limit a link: %v", err)
	}
	const size = 512 << 10 // half a second, less what may burst
	var listener net.Listener
	if err := server.Do(func() (err error) {
		listener, err = net.Listen("tcp4", netns.ServerAddr+":0")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			conn.Write(make([]byte, size))
			conn.Close()
		}
	}()
	begin := time.Now()
	var got int64
	err := client.Do(func() error {
		conn, err := net.DialTimeout("tcp4", listener.Addr().String(), time.Minute)
		if err != nil {
			return err
		}
		defer conn.Close()
		got, err = io.Copy(io.Discard, conn)
		return err
	})
	if took := time.Since(begin); err != nil || got != size || took < 300*time.Millisecond {
		t.Errorf("got %d bytes in %s, %v, want %d in about 0.4 s", got, took, err, size)
	}
}

func TestTrack(t *testing.T) {
	ns := namespace(t)
	addr := listen(t, ns, "127.0.0.1:0")
	if got := tracked(t, ns, addr); got != "0" {
		t.Errorf("before: got %s tracked connections, want 0", got)
	}
	if err := ns.Track(); errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Skipf("this kernel has no nftables with connection tracking: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if got := tracked(t, ns, addr); got == "0" {
		t.Error("after: got no tracked connection, want one")
	}
}

// tracked echoes once and returns how many connections netfilter knows then.
func tracked(t *testing.T, ns *netns.Namespace, addr string) string {
	t.Helper()
	if err := echo(ns, addr, time.Minute); err != nil {
		t.Fatal(err)
	}
	var count []byte
	err := ns.Do(func() (err error) {
		count, err = os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this kernel has no connection tracking")
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(count))
}
