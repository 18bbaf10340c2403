package epoll

import (
	"os"
	"time"

	"github.com/panjf2000/gnet/v2/pkg/socket"
	"golang.org/x/sys/unix"
)

// keepAliveProbes is how many unanswered probes end an idle connection.
const keepAliveProbes = 5

// socketOptions returns the configured options, to be set on a listener, whose accepted sockets inherit them, or
// on a socket before it connects.
func (c *Config) socketOptions() []socket.Option[int] {
	var opts []socket.Option[int]
	if !c.Nagle {
		opts = append(opts, socket.Option[int]{SetSockOpt: socket.SetNoDelay, Opt: 1})
	}
	add := func(set func(int, int) error, value int) {
		if value > 0 {
			opts = append(opts, socket.Option[int]{SetSockOpt: set, Opt: value})
		}
	}
	add(socket.SetSendBuffer, c.SndBuf)
	add(socket.SetRecvBuffer, c.RcvBuf)
	add(tcpOption(unix.TCP_NOTSENT_LOWAT), c.NotSentLowat)
	add(tcpOption(unix.TCP_USER_TIMEOUT), int(c.UserTimeout/time.Millisecond))
	add(setKeepAlive, int(c.KeepAlive/time.Second))
	return opts
}

func tcpOption(name int) func(fd, value int) error {
	return func(fd, value int) error {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, name, value))
	}
}

// socketError takes the pending error off a socket.
func socketError(fd int32) unix.Errno {
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return errnoOf(err)
	}
	return unix.Errno(errno)
}

func setKeepAlive(fd, idle int) error {
	return socket.SetKeepAlive(fd, true, idle, max(idle/keepAliveProbes, 1), keepAliveProbes)
}
