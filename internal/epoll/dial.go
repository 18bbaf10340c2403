package epoll

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"
)

// Dial begins a connection from local to remote. An invalid local leaves the source to the kernel; with port 0
// the port is chosen at connect time, when the four-tuple decides what is free (IP_BIND_ADDRESS_NO_PORT), so that
// one source address serves 28,000 connections per target and not per machine. The state may be filled in at
// once; OnOpen or OnClose with DialFailed follows. An error means that nothing follows. It names the system call:
// EMFILE, EADDRNOTAVAIL (ports exhausted), what connect(2) knows at once (no route), or ECANCELED in the OnClose of a
// loop that ends. MaxConns does not apply, but the connection is counted.
func (l *Loop[S]) Dial(local, remote netip.AddrPort) (*Conn[S], error) {
	if l.ending {
		return nil, fmt.Errorf("dial %s: event loop: %w", remote, unix.ECANCELED)
	}
	sa, family := toSockaddr(remote)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", remote, os.NewSyscallError("socket", err))
	}
	if err := l.prepare(fd, local); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("dial %s from %s: %w", remote, local.Addr(), err)
	}
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("dial %s from %s: %w", remote, local.Addr(), os.NewSyscallError("connect", err))
	}
	c, err := l.register(fd, remote, 0)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("dial %s: %w", remote, err)
	}
	c.flags |= flagConnecting
	if err := l.poller.AddReadWrite(&netpoll.PollAttachment{FD: fd}, false); err != nil {
		l.unregister(c)
		_ = unix.Close(fd)
		return nil, fmt.Errorf("dial %s: %w", remote, err)
	}
	return c, nil
}

func (l *Loop[S]) prepare(fd int, local netip.AddrPort) error {
	for _, o := range l.cfg.socketOptions() {
		if err := o.SetSockOpt(fd, o.Opt); err != nil {
			return err
		}
	}
	if !local.IsValid() {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return os.NewSyscallError("setsockopt IP_BIND_ADDRESS_NO_PORT", err)
	}
	sa, _ := toSockaddr(local)
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// connected is called when a dialed socket becomes writable or fails.
func (l *Loop[S]) connected(c *Conn[S]) {
	if c.has(flagDead) {
		return
	}
	if errno := socketError(c.fd); errno != 0 {
		l.kill(c, DialFailed, errno)
		return
	}
	c.flags &^= flagConnecting
	l.rearm(c)
	l.handler.OnOpen(c)
}
