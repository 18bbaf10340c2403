package epoll

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Close ends c in good order: unsent bytes are flushed, FIN is sent, and what the peer still sends is read and
// thrown away until its FIN comes, so that no reset destroys the last bytes on their way. After Config.Linger, or 256 KiB
// of input, the connection is reset. Sends answer Failed from now on; OnClose follows with reason.
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
	l.schedule(c, l.cfg.Linger)
	l.dropLeftover(c)
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
	if err := unix.Shutdown(int(c.fd), unix.SHUT_WR); err != nil || c.has(flagEnded) {
		l.kill(c, c.reason, errnoOf(err))
		return
	}
	c.flags |= flagShut
	if c.has(flagBlocked) {
		c.flags &^= flagBlocked
		l.counters.blocked--
		l.rearm(c)
	}
}

// ended deals with the peer's FIN. A connection that is still flushing goes on doing so: a client may well shut its
// side first and read the rest of the answer.
func (l *Loop[S]) ended(c *Conn[S]) {
	switch {
	case !c.has(flagClosing):
		l.kill(c, PeerClosed, 0)
	case c.unsent == 0:
		l.kill(c, c.reason, 0)
	default:
		l.setPaused(c, true) // a FIN is readable forever
		c.flags |= flagEnded
	}
}

// lost deals with a system error. One that is closing keeps the reason it is closed for.
func (l *Loop[S]) lost(c *Conn[S], errno unix.Errno) {
	reason := PeerReset
	if c.has(flagClosing) {
		reason = c.reason
	}
	l.kill(c, reason, errno)
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
	c.reason = reason
	l.unlink(c)
	// Deregistered by hand although close(2) would: a duplicate of the descriptor in a child between fork and
	// exec would keep the registration alive.
	_ = l.poller.Delete(int(c.fd))
	l.dropUnsent(c)
	l.dropLeftover(c)
	l.dead = append(l.dead, dying{c.fd, errno})
	if len(l.dead) == 1 {
		l.trigger(func(any) error { l.dealWithBatch(); l.reap(); return nil })
	}
}

// dying is a connection between its end and its OnClose.
type dying struct {
	fd    int32
	errno unix.Errno // what it died of, if the system said so
}

// reap buries the dead. The poller runs it behind a batch of events.
func (l *Loop[S]) reap() {
	for i := 0; i < len(l.dead); i++ { // OnClose may add to the list
		d := l.dead[i]
		c := l.slab.at(d.fd)
		var err error
		if d.errno != 0 {
			err = d.errno
		}
		l.handler.OnClose(c, c.reason, err)
		delete(l.ignored, d.fd)
		l.slab.release(c)
		_ = unix.Close(int(d.fd))
	}
	l.dead = l.dead[:0]
	if l.wheel.count == 0 {
		l.rest()
	}
}

func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	errors.As(err, &errno)
	return errno
}
