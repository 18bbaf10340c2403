package epoll

import (
	"fmt"
	"net/netip"
	"os"
	"slices"

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
)

// Listen binds and listens on addr ("host:port", ":8080", "[::1]:0") and returns the bound address. Several loops
// and processes may listen on the same address; Reserve finds out first whether it is free.
func (l *Loop[S]) Listen(addr string) (netip.AddrPort, error) {
	opts := append([]socket.Option[int]{
		{SetSockOpt: socket.SetReuseAddr, Opt: 1},
		{SetSockOpt: socket.SetReuseport, Opt: 1},
	}, l.cfg.socketOptions()...)
	fd, _, err := socket.TCPSocket("tcp", addr, true, opts, nil)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", addr, err)
	}
	if err := l.poller.AddRead(&netpoll.PollAttachment{FD: fd}, false); err != nil {
		_ = unix.Close(fd)
		return netip.AddrPort{}, fmt.Errorf("listen on %s: %w", addr, err)
	}
	l.listeners = append(l.listeners, listener{fd: fd})
	return localAddr(fd)
}

// StopListening accepts what waits in the queues and closes the listeners.
func (l *Loop[S]) StopListening() {
	for i := range l.listeners {
		for l.acceptOne(i) {
			continue
		}
		_ = l.poller.Delete(l.listeners[i].fd)
		_ = unix.Close(l.listeners[i].fd)
	}
	l.listeners = nil
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
		if i >= len(l.listeners) || l.listeners[i].paused != accepting || !l.acceptOne(i) {
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
	if l.cfg.MaxConns > 0 && l.slab.Open() >= l.cfg.MaxConns {
		l.refuse(fd, RefusedMaxConns)
		return
	}
	c, err := l.register(fd, peer)
	if err != nil {
		l.refuse(fd, RefusedNoFile)
		return
	}
	if err := l.poller.AddRead(&netpoll.PollAttachment{FD: fd}, false); err != nil {
		l.kill(c, RefusedNoFile, errnoOf(err)) // epoll_ctl(2): max_user_watches or kernel memory
		return
	}
	c.flags |= flagOpen
	l.handler.OnOpen(c)
}

// register makes a descriptor a connection of this loop.
func (l *Loop[S]) register(fd int, peer netip.AddrPort) (*Conn[S], error) {
	c, err := l.slab.claim(fd)
	if err != nil {
		return nil, err
	}
	l.arm(true)
	c.addr, c.port = peer.Addr().As16(), peer.Port()
	c.lastRead, c.lastWrite = l.wheel.now, l.wheel.now
	l.SetTimer(c, maxTimer)
	return c, nil
}

// refuse answers a connection that will not be served and closes it. Reading what the client has sent so far
// keeps close(2) from resetting the connection before the answer is read.
func (l *Loop[S]) refuse(fd int, reason Reason) {
	l.counters.refused[reason]++
	if l.cfg.Refusal != nil {
		_, _ = recv(int32(fd), l.buf)
		_, _ = send(int32(fd), l.cfg.Refusal(reason))
		_ = unix.Shutdown(fd, unix.SHUT_WR)
		_, _ = recv(int32(fd), l.buf)
	}
	_ = unix.Close(fd)
}

// exhausted spends the reserve descriptor on refusing a few clients politely, then lets the listener rest until
// the next tick. Without the rest a level-triggered listener would spin; without the reserve its clients would
// hang until their own timeout.
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
	l.arm(true)
}

func (l *Loop[S]) resume(i int) {
	l.listeners[i].paused = accepting
	if err := l.poller.AddRead(&netpoll.PollAttachment{FD: l.listeners[i].fd}, false); err != nil {
		l.listeners[i].paused = pausedTick
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
