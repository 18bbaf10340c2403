package floor

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Config says what a Server sends, and where.
type Config struct {
	// Listen is the IPv4 address to listen on; port 0 takes a free one.
	Listen netip.AddrPort
	// Interval is the time between two ticks. Default 1 s.
	Interval time.Duration
	// Payload is the least size of a tick's JSON in bytes; it is padded up to it. Default 0: as it is.
	Payload int
}

// Stats is what a Server has done.
type Stats struct {
	Accepted  int // connections
	Delivered int // messages that the kernel took whole
	Dropped   int // connections closed because it did not
}

// Server is a bare epoll server. The zero value is not usable; call New. It is for one goroutine.
type Server struct {
	// Addr is the bound address.
	Addr netip.AddrPort

	cfg      Config
	epoll    int
	listener int
	buf      []byte
	phases   []phase // by descriptor
	crowds   [2]crowd
	places   []int // by descriptor: where in its crowd
	seq      uint64
	next     time.Time // of the next tick
	stats    Stats
}

// phase is how far a descriptor has come.
type phase uint8

const (
	absent phase = iota
	handshaking
	webSocket // the crowds are numbered from here
	eventStream
)

// crowd is the descriptors that get the same bytes.
type crowd []int32

const (
	// patience is how often Run looks whether it should end.
	patience = 100 * time.Millisecond
	// backlog is cut to net.core.somaxconn by the kernel.
	backlog = 1 << 16
	batch   = 1024
	readBuf = 64 << 10
)

// New returns a server that listens; Run serves.
func New(cfg Config) (*Server, error) {
	if cfg.Interval == 0 {
		cfg.Interval = time.Second
	}
	s := &Server{cfg: cfg, epoll: -1, listener: -1, buf: make([]byte, readBuf)}
	if err := s.open(); err != nil {
		s.close()
		return nil, fmt.Errorf("floor: %w", err)
	}
	return s, nil
}

func (s *Server) open() (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	s.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(s.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	_ = unix.SetsockoptInt(s.listener, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // accepted sockets inherit it
	bind := unix.SockaddrInet4{Port: int(s.cfg.Listen.Port()), Addr: s.cfg.Listen.Addr().As4()}
	if err = unix.Bind(s.listener, &bind); err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Listen, os.NewSyscallError("bind", err))
	}
	if err = unix.Listen(s.listener, backlog); err != nil {
		return os.NewSyscallError("listen", err)
	}
	bound, err := unix.Getsockname(s.listener)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	in := bound.(*unix.SockaddrInet4)
	s.Addr = netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
	return s.watch(s.listener)
}

func (s *Server) watch(fd int) error {
	return os.NewSyscallError("epoll_ctl",
		unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}))
}

// Run serves until ctx is done, closes everything and returns what it has done.
func (s *Server) Run(ctx context.Context) (Stats, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer s.close()
	events := make([]unix.EpollEvent, batch)
	s.next = time.Now().Add(s.cfg.Interval)
	for ctx.Err() == nil {
		wait := min(max(time.Until(s.next), 0), patience)
		n, err := unix.EpollWait(s.epoll, events, int((wait+time.Millisecond-1)/time.Millisecond))
		if err != nil && err != unix.EINTR {
			return s.stats, fmt.Errorf("floor: %w", os.NewSyscallError("epoll_wait", err))
		}
		for i := range max(n, 0) {
			s.ready(int(events[i].Fd))
		}
		if !time.Now().Before(s.next) {
			s.tick()
		}
	}
	return s.stats, nil
}

func (s *Server) ready(fd int) {
	if fd == s.listener {
		s.accept()
		return
	}
	n, errno := recv(int32(fd), s.buf)
	switch {
	case errno == unix.EAGAIN:
	case n == 0, !s.received(fd, s.buf[:n]):
		s.drop(fd)
	}
}

func (s *Server) accept() {
	for {
		fd, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(s.listener), 0, 0,
			unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if errno != 0 {
			return
		}
		s.stats.Accepted++
		for int(fd) >= len(s.phases) {
			s.phases, s.places = append(s.phases, absent), append(s.places, 0)
		}
		s.phases[fd] = handshaking
		if s.watch(int(fd)) != nil {
			s.drop(int(fd))
		}
	}
}

// received answers a request, or a client's close frame, and reports whether the connection stays.
func (s *Server) received(fd int, b []byte) bool {
	if s.phases[fd] != handshaking {
		return !s.saysGoodbye(fd, b)
	}
	answer, to := greet(b)
	if answer == nil {
		return false
	}
	if n, _ := send(int32(fd), answer); n != len(answer) {
		return false
	}
	c := &s.crowds[to-webSocket]
	s.phases[fd], s.places[fd] = to, len(*c)
	*c = append(*c, int32(fd))
	return true
}

func (s *Server) saysGoodbye(fd int, b []byte) bool {
	if s.phases[fd] != webSocket || b[0] != closeFrame[0] {
		return false
	}
	_, _ = send(int32(fd), closeFrame)
	return true
}

// drop closes a connection; the last one of its crowd takes its place.
func (s *Server) drop(fd int) {
	if p := s.phases[fd]; p >= webSocket {
		c := &s.crowds[p-webSocket]
		last := (*c)[len(*c)-1]
		(*c)[s.places[fd]] = last
		s.places[last] = s.places[fd]
		*c = (*c)[:len(*c)-1]
	}
	s.phases[fd] = absent
	_ = unix.Close(fd)
}

// tick sends one message to everybody.
func (s *Server) tick() {
	s.seq++
	payload := appendTick(nil, s.seq, s.next, s.cfg.Payload)
	s.next = s.next.Add(s.cfg.Interval)
	for i, frame := range [2][]byte{appendFrame(nil, payload), appendEvent(nil, s.seq, payload)} {
		s.broadcast(s.crowds[i], frame)
	}
}

func (s *Server) broadcast(to crowd, frame []byte) {
	short := Broadcast(to, frame, nil)
	s.stats.Delivered += len(to) - len(short)
	s.stats.Dropped += len(short)
	for _, fd := range short {
		s.drop(int(fd))
	}
}

func (s *Server) close() {
	for fd, p := range s.phases {
		if p != absent {
			_ = unix.Close(fd)
		}
	}
	for _, fd := range []int{s.listener, s.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}
