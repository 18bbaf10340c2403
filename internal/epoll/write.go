package epoll

import (
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/pool/byteslice"
	"golang.org/x/sys/unix"
)

// SendMany offers the same frame to the connections with these descriptors, in order, and stores what became of
// each in out, which must be as long. It is the seam of the send path: an implementation that batches system
// calls (io_uring) takes its place and leaves everything above as it is. frame must never change afterwards.
func (l *Loop[S]) SendMany(frame []byte, fds []int32, out []Status) {
	for i, fd := range fds {
		out[i] = l.Send(l.slab.at(fd), frame)
	}
}

// Send offers a shared immutable frame to c. Nothing is copied: of a Partial send the rest of that very slice is
// remembered, so frame must never change afterwards. While the socket is full the answer is Blocked and nothing
// is remembered at all; the caller keeps its place and continues from OnWritable.
func (l *Loop[S]) Send(c *Conn[S], frame []byte) Status {
	if c.flags&(flagBlocked|flagClosing|flagDead|flagConnecting) != 0 {
		return c.refusal()
	}
	n, errno := send(c.fd, frame)
	if n == len(frame) {
		l.sent(c, n)
		return Sent
	}
	if !l.short(c, n, errno) {
		return Failed
	}
	if n == 0 {
		return Blocked
	}
	c.unsent = l.unsent.add(unsent{rest: frame[n:]})
	return Partial
}

func (c *Conn[S]) refusal() Status {
	if c.Alive() {
		return Blocked
	}
	return Failed
}

// Write sends bytes that belong to c alone: an answer, a pong, a close frame. What the kernel does not take is
// copied, behind what is unsent already, up to Config.MaxPending; beyond that the connection is reset with
// PendingExceeded. b may be reused at once.
func (l *Loop[S]) Write(c *Conn[S], b []byte) Status {
	if !c.Alive() || c.has(flagConnecting) {
		return Failed
	}
	if !c.has(flagBlocked) {
		n, errno := send(c.fd, b)
		if n == len(b) {
			l.sent(c, n)
			return Sent
		}
		if !l.short(c, n, errno) {
			return Failed
		}
		b = b[n:]
	}
	if c.unsent == 0 {
		c.unsent = l.unsent.add(unsent{})
	}
	u := l.unsent.at(c.unsent)
	u.compact()
	if len(u.pending)+len(b) > l.cfg.MaxPending {
		l.Reset(c, PendingExceeded)
		return Failed
	}
	u.pending = keep(u.pending, b)
	return Partial
}

func (l *Loop[S]) sent(c *Conn[S], n int) {
	c.lastWrite = l.wheel.now
	l.counters.BytesOut += uint64(n)
}

// short deals with a send that was not taken whole: it arms EPOLLOUT, or ends the connection and returns false.
func (l *Loop[S]) short(c *Conn[S], n int, errno unix.Errno) bool {
	switch errno {
	case 0, unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM: // the last two: the kernel is short of memory, now
	default:
		l.lost(c, errno)
		return false
	}
	if n > 0 {
		l.sent(c, n)
		l.counters.Partial++
	} else {
		l.counters.Blocked++
	}
	if !c.has(flagBlocked) {
		// The wait for the socket counts from here; SinceWrite is how long it has taken nothing.
		c.lastWrite = l.wheel.now
		c.flags |= flagBlocked
		l.counters.blocked++
		l.rearm(c)
	}
	return true
}

// flush continues where a full socket left off. It is called on EPOLLOUT.
func (l *Loop[S]) flush(c *Conn[S]) {
	before := l.counters.BytesOut
	l.carryOn(c)
	if c.has(flagBlocked) && !c.has(flagDead) && l.counters.BytesOut == before {
		l.stall(c)
	}
}

// carryOn sends what is remembered, and then lets the owner go on.
func (l *Loop[S]) carryOn(c *Conn[S]) {
	if c.unsent != 0 && !l.drainUnsent(c) {
		return
	}
	c.flags &^= flagBlocked
	l.counters.blocked--
	switch {
	case c.has(flagClosing):
		l.shut(c)
	default:
		l.handler.OnWritable(c)
	}
	if !c.has(flagBlocked | flagDead) {
		l.rearm(c)
	}
}

// drainUnsent sends the remembered bytes and reports whether all are gone.
func (l *Loop[S]) drainUnsent(c *Conn[S]) bool {
	u := l.unsent.at(c.unsent)
	if !l.take(c, u.rest, func(n int) { u.rest = u.rest[n:] }) {
		return false
	}
	if !l.take(c, u.pending[u.taken:], func(n int) { u.taken += n }) {
		return false
	}
	l.dropUnsent(c)
	return true
}

// take sends b, tells advance how much was taken, and reports whether that was all.
func (l *Loop[S]) take(c *Conn[S], b []byte, advance func(int)) bool {
	if len(b) == 0 {
		return true
	}
	n, errno := send(c.fd, b)
	if n < len(b) && !l.short(c, n, errno) {
		return false
	}
	if n == len(b) {
		l.sent(c, n)
	}
	advance(n)
	return n == len(b)
}

func (l *Loop[S]) dropUnsent(c *Conn[S]) {
	if c.unsent == 0 {
		return
	}
	byteslice.Put(l.unsent.at(c.unsent).pending)
	l.unsent.drop(c.unsent)
	c.unsent = 0
}

// Unsent returns how many bytes are remembered for c.
func (l *Loop[S]) Unsent(c *Conn[S]) int {
	if c.unsent == 0 {
		return 0
	}
	return l.unsent.at(c.unsent).len()
}

// Pending returns how many bytes that Write was given wait for the socket of c.
func (l *Loop[S]) Pending(c *Conn[S]) int {
	if c.unsent == 0 {
		return 0
	}
	u := l.unsent.at(c.unsent)
	return len(u.pending) - u.taken
}

// edge reports whether c is watched for edges. A paused connection is: there only an edge (a reset, or room to write) is of
// interest, and a level would spin on the bytes that nobody reads.
func (l *Loop[S]) edge(c *Conn[S]) bool { return l.cfg.EdgeTriggered || c.has(flagPaused) }

// rearm tells epoll what c waits for.
func (l *Loop[S]) rearm(c *Conn[S]) {
	pa := netpoll.PollAttachment{FD: int(c.fd)}
	edge := l.edge(c)
	var err error
	if c.has(flagBlocked | flagConnecting) {
		err = l.poller.ModReadWrite(&pa, edge)
	} else {
		err = l.poller.ModRead(&pa, edge)
	}
	if err != nil { // cannot happen to a registered descriptor; an unwatched connection must not live on
		l.lost(c, errnoOf(err))
	}
}
