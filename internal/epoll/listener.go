package epoll

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// listener is one listening socket of a loop. Each loop has its own (SO_REUSEPORT): the kernel spreads the
// connections, and no lock or hand-over is needed.
type listener struct {
	fd     int
	paused pause
}

type pause uint8

const (
	accepting   pause = iota
	pausedTick        // until the next tick: descriptors or memory are exhausted
	pausedOwner       // until ResumeAccept
	stopped           // for good; the descriptor is closed at the end of the batch
)

// Listen binds and listens on addr ("host:port", ":8080", "[::1]:0") and returns the bound address. Several loops
// and processes may listen on the same address; Reserve finds out first whether it is free.
func (l *Loop[S]) Listen(addr string) (netip.AddrPort, error) {
	opts := append([]socket.Option[int]{
		{SetSockOpt: socket.SetReuseAddr, Opt: 1},
		{SetSockOpt: socket.SetReuseport, Opt: 1},
	}, l.cfg.socketOptions()...)
	fd, _, err := socket.TCPSocket("tcp", wildcard(addr, hasIPv6()), true, opts, nil)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", addr, err)
	}
	if l.cfg.Backlog > 0 { // the socket package has asked for somaxconn; a second listen(2) changes that
		err = os.NewSyscallError("listen", unix.Listen(fd, l.cfg.Backlog))
	}
	if err == nil {
		err = l.poller.AddRead(&netpoll.PollAttachment{FD: fd}, false)
	}
	if err != nil {
		_ = unix.Close(fd)
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", addr, err)
	}
	l.listeners = append(l.listeners, listener{fd: fd})
	return localAddr(fd)
}

// wildcard makes "[::]:8080" mean what ":8080" means and what it means to package net, IPv4 clients as well: the socket
// package would take it for IPv6 only. Without IPv6 in the kernel (ipv6.disable=1) both mean IPv4.
func wildcard(addr string, hasIPv6 bool) string {
	port, ok := strings.CutPrefix(strings.TrimPrefix(addr, "[::]"), ":")
	switch {
	case !ok:
		return addr
	case !hasIPv6:
		return "0.0.0.0:" + port
	default:
		return ":" + port
	}
}

// hasIPv6 reports whether the kernel makes IPv6 sockets.
func hasIPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}

// StopListening accepts what waits in the queues and closes the listeners, like connections at the end of the batch
// of events at hand.
func (l *Loop[S]) StopListening() {
	for i := range l.listeners {
		if l.listeners[i].paused == stopped {
			continue
		}
		l.pause(i, stopped)
		for range drainBurst {
			if !l.acceptOne(i) {
				break
			}
		}
	}
	l.trigger(func(any) error { l.closeListeners(); return nil })
}

func (l *Loop[S]) closeListeners() {
	l.listeners = slices.DeleteFunc(l.listeners, func(ln listener) bool {
		if ln.paused == stopped {
			_ = unix.Close(ln.fd)
		}
		return ln.paused == stopped
	})
}

// PauseAccept leaves new connections in the kernel's queue until ResumeAccept.
func (l *Loop[S]) PauseAccept() {
	for i := range l.listeners {
		l.pause(i, pausedOwner)
	}
}

// ResumeAccept undoes PauseAccept.
func (l *Loop[S]) ResumeAccept() {
	for i := range l.listeners {
		if l.listeners[i].paused == pausedOwner {
			l.resume(i)
		}
	}
}

func (l *Loop[S]) listener(fd int) int {
	return slices.IndexFunc(l.listeners, func(ln listener) bool { return ln.fd == fd })
}

func (l *Loop[S]) accept(i int) {
	for range acceptBurst {
		if l.listeners[i].paused != accepting || !l.acceptOne(i) {
			return
		}
	}
}

// acceptOne takes one connection from the queue and reports whether another try makes sense.
func (l *Loop[S]) acceptOne(i int) bool {
	fd, peer, errno := accept4(int32(l.listeners[i].fd))
	switch errno {
	case 0:
		l.admit(fd, peer)
		return true
	case unix.EAGAIN:
		return false
	case unix.EMFILE, unix.ENFILE:
		l.exhausted(i)
		return false
	case unix.ENOBUFS, unix.ENOMEM:
		l.counters.AcceptPauses++
		l.pause(i, pausedTick)
		return false
	default: // the connection was gone before it was accepted (accept(2), ECONNABORTED and the network errors)
		return true
	}
}

func (l *Loop[S]) admit(fd int, peer netip.AddrPort) {
	l.counters.Accepted++
	c, err := l.register(fd, peer, l.cfg.MaxConns)
	switch {
	case errors.Is(err, errFull):
		l.refuse(fd, RefusedMaxConns)
		return
	case err != nil:
		l.refuse(fd, RefusedNoFile)
		return
	}
	if err := l.poller.AddRead(&netpoll.PollAttachment{FD: fd}, false); err != nil {
		l.unregister(c)
		l.refuse(fd, RefusedNoFile) // epoll_ctl(2): max_user_watches or kernel memory
		return
	}
	if l.admits != nil {
		if answer := l.admits.Admit(c); answer != nil {
			_ = l.poller.Delete(fd)
			l.unregister(c)
			l.turnAway(fd, RefusedAdmission, answer)
			return
		}
	}
	l.handler.OnOpen(c)
}

// register makes a descriptor a connection of this loop, if fewer than limit are open.
func (l *Loop[S]) register(fd int, peer netip.AddrPort, limit int) (*Conn[S], error) {
	c, err := l.slab.claim(fd, limit)
	if err != nil {
		return nil, err
	}
	c.addr, c.port = peer.Addr().As16(), peer.Port()
	c.lastRead, c.lastWrite = l.wheel.now, l.wheel.now
	l.link(c, l.wheel.now+ticks(maxTimer))
	return c, nil
}

// unregister undoes register for a connection nobody has heard of.
func (l *Loop[S]) unregister(c *Conn[S]) {
	l.unlink(c)
	l.slab.release(c)
}

// refuse answers a connection that will not be served and closes it.
func (l *Loop[S]) refuse(fd int, reason Reason) {
	var answer []byte
	if l.cfg.Refusal != nil {
		answer = l.cfg.Refusal(reason)
	}
	l.turnAway(fd, reason, answer)
}

// turnAway sends a connection its last words and closes it. Unless descriptors are short, the words wait for the
// client's, see leaving.
func (l *Loop[S]) turnAway(fd int, reason Reason, answer []byte) {
	l.counters.refused[reason]++
	if answer != nil {
		if reason != RefusedNoFile && l.leave(fd, answer) {
			return
		}
		farewell(fd, answer)
	}
	_ = unix.Close(fd)
}

// exhausted spends the reserve descriptor on refusing a few clients politely, then lets the listener rest until
// the next tick. Without the rest a level-triggered listener would spin; without the reserve its clients would
// hang until their own timeout.
//
// Descriptors are the process's, so another goroutine may take the one that is free for a moment. Nobody is lost then:
// accept fails and leaves the client in the queue, or the reserve cannot be opened again and is -1, never a number
// that has become somebody else's, until the next tick opens another one.
func (l *Loop[S]) exhausted(i int) {
	l.counters.AcceptPauses++
	l.pause(i, pausedTick)
	for range refuseBurst {
		if l.reserve < 0 {
			return
		}
		_ = unix.Close(l.reserve)
		l.reserve = -1
		fd, _, errno := accept4(int32(l.listeners[i].fd))
		if errno == 0 {
			l.counters.Accepted++
			l.refuse(fd, RefusedNoFile)
		}
		_ = l.openReserve() // if another thread took the descriptor, resumeListeners tries again
		if errno != 0 {
			return
		}
	}
}

func (l *Loop[S]) openReserve() (err error) {
	l.reserve, err = unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		l.reserve = -1
		return os.NewSyscallError("open /dev/null", err)
	}
	return nil
}

func (l *Loop[S]) pause(i int, p pause) {
	if l.listeners[i].paused == accepting {
		_ = l.poller.Delete(l.listeners[i].fd)
	}
	l.listeners[i].paused = max(l.listeners[i].paused, p)
	l.wakeAt(l.wheel.now + 1)
}

func (l *Loop[S]) resume(i int) {
	l.listeners[i].paused = accepting
	if err := l.poller.AddRead(&netpoll.PollAttachment{FD: l.listeners[i].fd}, false); err != nil {
		l.listeners[i].paused = pausedTick
		l.wakeAt(l.wheel.now + 1)
	}
}

func (l *Loop[S]) resumeListeners() {
	if l.reserve < 0 {
		_ = l.openReserve()
	}
	for i := range l.listeners {
		if l.listeners[i].paused == pausedTick {
			l.resume(i)
		}
	}
}

func (l *Loop[S]) anyPaused() bool {
	return slices.ContainsFunc(l.listeners, func(ln listener) bool { return ln.paused == pausedTick })
}

func localAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	return fromSockaddr(sa), nil
}

func fromSockaddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

func toSockaddr(a netip.AddrPort) (unix.Sockaddr, int) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}, unix.AF_INET6
}
