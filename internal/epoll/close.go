package epoll

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Close ends c in good order: unsent bytes are flushed, FIN is sent, and what the peer still sends is read and
// thrown away until its FIN comes, so that no reset destroys the last bytes on their way. After Config.Linger the
// connection is reset. Sends answer Failed from now on; OnClose follows with reason.
func (l *Loop[S]) Close(c *Conn[S], reason Reason) {
	if !c.Alive() {
		return
	}
	if c.has(flagConnecting) {
		l.kill(c, reason, 0)
		return
	}
	c.flags |= flagClosing
	c.reason = reason
	l.SetTimer(c, l.cfg.Linger)
	l.setPaused(c, false)
	if c.unsent == 0 {
		l.shut(c)
	}
}

// shut sends FIN. The socket is writable forever after, so nothing may wait for that any more.
func (l *Loop[S]) shut(c *Conn[S]) {
	if c.has(flagDead | flagShut) {
		return
	}
	if err := unix.Shutdown(int(c.fd), unix.SHUT_WR); err != nil {
		l.kill(c, c.reason, 0)
		return
	}
	c.flags |= flagShut
	if c.has(flagBlocked) {
		c.flags &^= flagBlocked
		l.counters.blocked--
		l.rearm(c)
	}
}

// Reset ends c at once with RST, which gives the kernel's send buffer back immediately: a plain close leaves it
// queued for a peer that does not read. OnClose follows with reason.
func (l *Loop[S]) Reset(c *Conn[S], reason Reason) {
	if c.has(flagDead) {
		return
	}
	l.abort(c)
	l.kill(c, reason, 0)
}

// abort makes close(2) send RST (socket(7), SO_LINGER with a zero timeout).
func (l *Loop[S]) abort(c *Conn[S]) {
	_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// kill takes c out of everything but the Slab. Its descriptor stays open until the batch of events at hand is
// over: closed now, its number could be given to a new connection, which a stale event would then hit.
func (l *Loop[S]) kill(c *Conn[S], reason Reason, errno unix.Errno) {
	if c.has(flagDead) {
		return
	}
	if c.has(flagBlocked) {
		l.counters.blocked--
	}
	c.flags |= flagDead
	c.reason, c.errno = reason, uint16(errno)
	l.unlink(c)
	// Deregistered by hand although close(2) would: a duplicate of the descriptor in a child between fork and
	// exec would keep the registration alive.
	_ = l.poller.Delete(int(c.fd))
	l.dropUnsent(c)
	l.dropLeftover(c)
	l.dead = append(l.dead, c.fd)
	if len(l.dead) == 1 {
		l.trigger(func(any) error { l.reap(); return nil })
	}
}

// reap buries the dead. The poller runs it behind a batch of events.
func (l *Loop[S]) reap() {
	for i := 0; i < len(l.dead); i++ { // OnClose may add to the list
		c := l.slab.at(l.dead[i])
		var err error
		if c.errno != 0 {
			err = unix.Errno(c.errno)
		}
		l.handler.OnClose(c, c.reason, err)
		l.slab.release(c)
		_ = unix.Close(int(c.fd))
	}
	l.dead = l.dead[:0]
}

func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	errors.As(err, &errno)
	return errno
}
