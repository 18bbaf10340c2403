package epoll

import "time"

// Tick is the resolution of timers and of the loop's clock. Deadlines of seconds (handshake, heartbeat, linger,
// drain) need no more, and a finer one would only wake an idle loop more often.
const Tick = 100 * time.Millisecond

const (
	buckets  = 512 // 51.2 s a round: heartbeats stay within one
	firing   = buckets
	unlinked = int16(-1)
	none     = int32(-1)

	// maxTimer is the timer of a connection that has asked for none.
	maxTimer = time.Hour
)

// wheel is a hashed timer wheel of intrusive lists through the Slab. Every live connection is in exactly one
// bucket, which also makes it the list of all connections of a loop.
type wheel struct {
	heads [buckets + 1]int32 // the last one: due, waiting for their slice
	now   uint32             // ticks since the loop was made
	count int
}

func newWheel() wheel {
	var w wheel
	for i := range w.heads {
		w.heads[i] = none
	}
	return w
}

func ticks(d time.Duration) uint32 {
	return uint32(max((d+Tick-1)/Tick, 1))
}

// SetTimer makes OnTimer be called once d from now, rounded up to a Tick, in place of the timer set before. A
// connection always has a timer: without a call it fires every hour.
func (l *Loop[S]) SetTimer(c *Conn[S], d time.Duration) {
	if c.has(flagDead) {
		return
	}
	l.unlink(c)
	c.due = l.wheel.now + ticks(d)
	l.link(c, int16(c.due%buckets))
}

func (l *Loop[S]) link(c *Conn[S], bucket int16) {
	w := &l.wheel
	head := w.heads[bucket]
	c.bucket, c.prev, c.next = bucket, none, head
	if head != none {
		l.slab.at(head).prev = c.fd
	}
	w.heads[bucket] = c.fd
	w.count++
}

func (l *Loop[S]) unlink(c *Conn[S]) {
	if c.bucket == unlinked {
		return
	}
	w := &l.wheel
	if c.prev != none {
		l.slab.at(c.prev).next = c.next
	} else {
		w.heads[c.bucket] = c.next
	}
	if c.next != none {
		l.slab.at(c.next).prev = c.prev
	}
	c.bucket = unlinked
	w.count--
}

// advance moves the clock to now and gathers the due connections in the firing list.
func (l *Loop[S]) advance(now uint32) {
	w := &l.wheel
	for range min(now-w.now, buckets) {
		w.now++
		l.gather(int16(w.now%buckets), now)
	}
	w.now = now
}

func (l *Loop[S]) gather(bucket int16, now uint32) {
	for fd := l.wheel.heads[bucket]; fd != none; {
		c := l.slab.at(fd)
		fd = c.next
		if int32(c.due-now) <= 0 {
			l.unlink(c)
			l.link(c, firing)
		}
	}
}

// fire calls OnTimer for at most budget due connections and reports whether some are left.
func (l *Loop[S]) fire(budget int) (more bool) {
	for ; budget > 0; budget-- {
		fd := l.wheel.heads[firing]
		if fd == none {
			return false
		}
		c := l.slab.at(fd)
		l.SetTimer(c, maxTimer)
		l.expire(c)
	}
	return l.wheel.heads[firing] != none
}

func (l *Loop[S]) expire(c *Conn[S]) {
	if !c.has(flagClosing) {
		l.handler.OnTimer(c)
		return
	}
	// Lingering has lasted long enough. What the peer has not taken by now it will not get.
	if c.unsent != 0 {
		l.abort(c)
	}
	l.kill(c, c.reason, 0)
}

// each calls f for every connection of the loop. f may close it, but must not open others.
func (l *Loop[S]) each(f func(*Conn[S])) {
	for b := range l.wheel.heads {
		for fd := l.wheel.heads[b]; fd != none; {
			c := l.slab.at(fd)
			fd = c.next
			f(c)
		}
	}
}
