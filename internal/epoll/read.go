package epoll

import (
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/pool/byteslice"
	"golang.org/x/sys/unix"
)

// readable makes one read. Epoll is level-triggered: what is left comes up again after the others had their turn. With
// Config.EdgeTriggered it does not, so reading goes on until there is less than the buffer holds, and until the FIN
// where one has arrived.
func (l *Loop[S]) readable(c *Conn[S], ev netpoll.IOEvent) {
	for l.read(c, ev) && l.cfg.EdgeTriggered && !c.has(flagDead|flagPaused) {
		continue
	}
}

// read makes one read and reports whether there may be more to read now.
func (l *Loop[S]) read(c *Conn[S], ev netpoll.IOEvent) (more bool) {
	if c.has(flagPaused) {
		// Nobody wants to read, so that a reset would go unnoticed behind the bytes that have arrived before it.
		if ev&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			l.lost(c, socketError(c.fd))
		}
		return false
	}
	held := l.restore(c)
	n, errno := recv(c.fd, l.buf[held:])
	switch {
	case errno == unix.EAGAIN:
		l.retain(c, l.buf[:held])
		return false
	case errno != 0:
		l.lost(c, errno)
		return false
	case n == 0:
		l.ended(c)
		return false
	}
	more = held+n == len(l.buf) || ev&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	c.lastRead = l.wheel.now
	l.counters.BytesIn += uint64(n)
	if c.has(flagClosing) {
		l.ignore(c, n)
		return more
	}
	b := l.buf[:held+n]
	used := l.handler.OnData(c, b)
	if used < len(b) && c.Alive() {
		l.retain(c, b[used:])
	}
	return more
}

// ignore counts what arrives while c lingers. None of it matters, but it must be read for the close to be clean; a peer that
// sends more than could have been on its way when it was told to end has not listened, and is reset.
func (l *Loop[S]) ignore(c *Conn[S], n int) {
	total := l.ignored[c.fd] + n
	if total > maxIgnored {
		l.abort(c)
		l.kill(c, c.reason, 0)
		return
	}
	l.ignored[c.fd] = total
}

// restore moves the leftover of c to the front of the read buffer and returns its length.
func (l *Loop[S]) restore(c *Conn[S]) int {
	if c.leftover == 0 {
		return 0
	}
	n := copy(l.buf, *l.leftover.at(c.leftover))
	l.dropLeftover(c)
	return n
}

// retain keeps a copy of b for the next read.
func (l *Loop[S]) retain(c *Conn[S], b []byte) {
	if len(b) == 0 {
		return
	}
	if len(b) > l.cfg.MaxLeftover {
		l.Reset(c, LeftoverExceeded)
		return
	}
	c.leftover = l.leftover.add(keep(nil, b))
}

func (l *Loop[S]) dropLeftover(c *Conn[S]) {
	if c.leftover == 0 {
		return
	}
	byteslice.Put(*l.leftover.at(c.leftover))
	l.leftover.drop(c.leftover)
	c.leftover = 0
}

// PauseRead stops reading from c, so that the peer's TCP window closes. Its FIN is not noticed then, but its reset is.
// Call it from OnData only when all bytes at hand are consumed: a leftover is offered again with the next bytes that
// arrive after ResumeRead.
func (l *Loop[S]) PauseRead(c *Conn[S]) {
	if c.Alive() {
		l.setPaused(c, true)
	}
}

// ResumeRead undoes PauseRead.
func (l *Loop[S]) ResumeRead(c *Conn[S]) {
	if c.Alive() {
		l.setPaused(c, false)
	}
}

func (l *Loop[S]) setPaused(c *Conn[S], paused bool) {
	if c.has(flagPaused) == paused {
		return
	}
	c.flags ^= flagPaused
	l.rearm(c)
}
