package epoll

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSocketOptionsReachEveryConnection(t *testing.T) {
	cfg := Config{
		SndBuf: 20_000, RcvBuf: 30_000, NotSentLowat: 12_345,
		UserTimeout: 17 * time.Second, KeepAlive: 50 * time.Second,
	}
	want := []struct {
		name       string
		level, opt int
		value      int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * 20_000}, // socket(7): the kernel doubles it
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * 30_000},
		{"TCP_NOTSENT_LOWAT", unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 12_345},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 17_000},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 50},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 5},
	}
	n := serve(t, cfg, &hooks{})
	check := func(what string, c *conn) {
		for _, o := range want {
			got, err := unix.GetsockoptInt(int(c.FD()), o.level, o.opt)
			if err != nil || got != o.value {
				t.Errorf("%s: %s: got %d, %v, want %d", what, o.name, got, err, o.value)
			}
		}
	}
	_, accepted := n.connect()
	n.do(func() { check("accepted", accepted) })
	n.do(func() {
		dialed, err := n.Dial(netip.AddrPort{}, n.addr)
		if err != nil {
			t.Error(err)
			return
		}
		check("dialed", dialed)
	})
}

func TestZeroConfigLeavesTheKernelsDefaults(t *testing.T) {
	n := serve(t, Config{}, &hooks{})
	_, c := n.connect()
	n.do(func() {
		for _, o := range []struct {
			name       string
			level, opt int
			value      int
		}{
			{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
		} {
			if got, err := unix.GetsockoptInt(int(c.FD()), o.level, o.opt); err != nil || got != o.value {
				t.Errorf("%s: got %d, %v, want %d", o.name, got, err, o.value)
			}
		}
	})
}

func TestDefaults(t *testing.T) {
	got := Config{}.withDefaults()
	if got.MaxPending != 4<<10 || got.MaxLeftover != 16<<10 || got.Linger != 5*time.Second || got.Slice != 256 {
		t.Errorf("got %+v, want the documented defaults", got)
	}
	set := Config{MaxPending: 1, MaxLeftover: 2, Linger: 3, Slice: 4}
	if got := set.withDefaults(); got.MaxPending != 1 || got.MaxLeftover != 2 || got.Linger != 3 || got.Slice != 4 {
		t.Errorf("got %+v, want what was set", got)
	}
}

func TestNagleIsLeftOnWhenAsked(t *testing.T) {
	n := serve(t, Config{Nagle: true}, &hooks{})
	_, c := n.connect()
	n.do(func() {
		if got, err := unix.GetsockoptInt(int(c.FD()), unix.IPPROTO_TCP, unix.TCP_NODELAY); got != 0 || err != nil {
			t.Errorf("TCP_NODELAY: got %d, %v, want 0", got, err)
		}
	})
}

// A listener's TCP_INFO has the length of its accept queue and the bound of it in the fields for unacknowledged and
// selectively acknowledged segments.
func TestBacklog(t *testing.T) {
	for _, backlog := range []int{1, 100} {
		n := serve(t, Config{Backlog: backlog}, &hooks{})
		n.do(func() {
			info, err := unix.GetsockoptTCPInfo(n.listeners[0].fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil || int(info.Sacked) != backlog {
				t.Errorf("backlog: got %+v, %v, want %d", info, err, backlog)
			}
		})
	}
}
