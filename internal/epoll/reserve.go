package epoll

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// Reservation keeps a port for the listeners of one gateway, whichever of its processes they are in, without
// taking connections itself: a bound TCP socket that does not listen.
//
// It shares the port through SO_REUSEPORT alone, the listeners have SO_REUSEADDR as well, and a probe has only that.
// So a probe gets past connections in TIME_WAIT, but neither past a listener nor past another reservation, even if
// its listeners are yet to come.
type Reservation struct {
	// Addr is the bound address; with port 0 asked for, it has the port that was given.
	Addr netip.AddrPort
	fd   int
}

// Reserve binds addr with SO_REUSEPORT for loops to Listen on Addr. It fails with EADDRINUSE if anybody listens
// there already, which SO_REUSEPORT alone would not notice: two gateways of one user would share the port, and
// each get half of the clients.
//
// Between the probe and the bind the port is nobody's. Reservations of the same user therefore take turns: of two gateways
// that start at the same moment, the second one's probe meets the first one's reservation. Another program that takes
// the port in between makes the bind fail, unless it is the same user's and has SO_REUSEPORT, too.
func Reserve(addr string) (*Reservation, error) {
	defer awaitTurn()()
	probe, err := bind(addr, false)
	if err != nil {
		return nil, err
	}
	bound, err := localAddr(probe)
	_ = unix.Close(probe)
	if err != nil {
		return nil, err
	}
	fd, err := bind(bound.String(), true)
	if err != nil {
		return nil, err
	}
	return &Reservation{Addr: bound, fd: fd}, nil
}

const (
	turnPause = time.Millisecond
	// turnPatience bounds the wait for one's turn, which takes less than a millisecond. Whoever holds the name longer is
	// no gateway, and must not keep one from starting.
	turnPatience = time.Second
)

// awaitTurn waits until no other process of this user reserves a port in this network namespace, and returns what lets the
// next one. The lock is a unix socket with an abstract name (unix(7)): it needs no file, and ends with its process.
func awaitTurn() (done func()) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return func() {} // Reserve will say what is wrong
	}
	name := &unix.SockaddrUnix{Name: fmt.Sprintf("@tickgate/reserve/%d", os.Getuid())}
	for began := time.Now(); unix.Bind(fd, name) == unix.EADDRINUSE && time.Since(began) < turnPatience; {
		time.Sleep(turnPause)
	}
	return func() { _ = unix.Close(fd) }
}

// Close gives the port up. Listeners keep it.
func (r *Reservation) Close() error { return unix.Close(r.fd) }

func bind(addr string, share bool) (int, error) {
	sa, family, _, v6only, err := socket.GetTCPSockAddr("tcp", wildcard(addr, hasIPv6()))
	if err != nil {
		return -1, fmt.Errorf("bind %s: %w", addr, err)
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("bind %s: socket: %w", addr, err)
	}
	sharing := unix.SO_REUSEADDR
	if share {
		sharing = unix.SO_REUSEPORT
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, sharing, 1)
	if v6only && err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("bind %s: %w", addr, err)
	}
	return fd, nil
}
