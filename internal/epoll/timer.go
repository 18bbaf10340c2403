package epoll

import (
	"time"

	"golang.org/x/sys/unix"
)

// Tick is the resolution of timers and of the loop's clock. Deadlines of seconds (handshake, heartbeat, linger,
// drain) need no more.
//
// There is no periodic tick: the timerfd is set for the first bucket that holds anybody. Waking up costs a Go process
// about half a millisecond of processor time, most of it in the runtime's monitor thread (100 idle connections, ten
// ticks a second on two loops: 14 ms a second).
const Tick = 100 * time.Millisecond

const (
	buckets = 512 // 51.2 s a round: heartbeats stay within one
	firing  = buckets
	none    = int32(-1)

	// maxTimer is the timer of a connection that has asked for none.
	maxTimer = time.Hour
)

// wheel is a hashed timer wheel of intrusive lists through the Slab. Every live connection is in exactly one
// bucket, which also makes it the list of all connections of a loop.
type wheel struct {
	heads [buckets + 1]int32 // the one more: due, waiting for their slice, first come first served
	last  int32              // the end of that list
	now   uint32             // ticks since the loop was made
	count int
}

func newWheel() wheel {
	w := wheel{last: none}
	for i := range w.heads {
		w.heads[i] = none
	}
	return w
}

func ticks(d time.Duration) uint32 {
	return uint32(max((d+Tick-1)/Tick, 1))
}

// SetTimer makes OnTimer be called once d from now, give or take a Tick, in place of the timer set before. A
// connection always has a timer: without a call it fires every hour. A closing connection keeps its linger time.
func (l *Loop[S]) SetTimer(c *Conn[S], d time.Duration) {
	if c.Alive() {
		l.schedule(c, d)
	}
}

// SetCoarseTimer is SetTimer rounded up to a full second of the loop's clock if d is at least five: the timers of many
// connections then fire together, and a loop with little to do wakes up seldom.
func (l *Loop[S]) SetCoarseTimer(c *Conn[S], d time.Duration) {
	const second = uint32(time.Second / Tick)
	if d >= 5*time.Second {
		due := l.wheel.now + ticks(d) + second - 1
		d = time.Duration(due-due%second-l.wheel.now) * Tick
	}
	l.SetTimer(c, d)
}

func (l *Loop[S]) schedule(c *Conn[S], d time.Duration) {
	l.unlink(c)
	l.link(c, l.wheel.now+ticks(d))
}

// link puts c, which is in no list, in front of the others of its bucket.
func (l *Loop[S]) link(c *Conn[S], due uint32) {
	w := &l.wheel
	c.due = due
	head := w.heads[due%buckets]
	c.prev, c.next = none, head
	if head != none {
		l.slab.at(head).prev = c.fd
	}
	w.heads[due%buckets] = c.fd
	w.count++
	l.wakeAt(due)
}

// queue puts c, which is in no list, behind the others that are due.
func (l *Loop[S]) queue(c *Conn[S]) {
	w := &l.wheel
	c.flags |= flagDue
	c.prev, c.next = w.last, none
	if w.last != none {
		l.slab.at(w.last).next = c.fd
	} else {
		w.heads[firing] = c.fd
	}
	w.last = c.fd
	w.count++
}

// unlink takes c out of the list that it is in.
func (l *Loop[S]) unlink(c *Conn[S]) {
	w := &l.wheel
	switch {
	case c.prev != none:
		l.slab.at(c.prev).next = c.next
	case c.has(flagDue):
		w.heads[firing] = c.next
	default:
		w.heads[c.due%buckets] = c.next
	}
	switch {
	case c.next != none:
		l.slab.at(c.next).prev = c.prev
	case c.has(flagDue):
		w.last = c.prev
	}
	c.flags &^= flagDue
	w.count--
}

func (l *Loop[S]) clock() uint32 { return uint32(time.Since(l.start) / Tick) }

// catchUp moves the wheel to the present. It is called before whatever may look at the clock or set a timer.
func (l *Loop[S]) catchUp() { l.catchUpTo(l.clock()) }

func (l *Loop[S]) catchUpTo(now uint32) {
	if now == l.wheel.now {
		return
	}
	l.advance(now)
	if l.alarmed() || l.wheel.heads[firing] != none {
		l.ring()
	}
}

// wakeAt sees to it that the loop wakes up at a tick to come at the latest.
func (l *Loop[S]) wakeAt(tick uint32) {
	if l.armed == 0 || int32(l.armed-tick) > 0 {
		l.arm(tick)
	}
}

// rest sets the timerfd for the next thing to do, if there is one.
func (l *Loop[S]) rest() {
	w := &l.wheel
	next := uint32(0)
	for i := uint32(1); i <= buckets && w.count > 0; i++ {
		if w.heads[(w.now+i)%buckets] != none {
			next = w.now + i
			break
		}
	}
	if l.anyPaused() || len(l.stalls) > 0 || len(l.leaving) > 0 {
		next = w.now + 1
	}
	if l.alarm != 0 && (next == 0 || int32(l.alarm-next) < 0) {
		next = l.alarm
	}
	if next != l.armed {
		l.arm(next)
	}
}

// arm sets the timerfd for a tick; 0 turns it off.
func (l *Loop[S]) arm(tick uint32) {
	l.armed = tick
	var spec unix.ItimerSpec
	if tick != 0 {
		wait := max(time.Duration(tick)*Tick-time.Since(l.start), 1) // 0 would turn it off
		spec.Value = unix.NsecToTimespec(int64(wait))
	}
	_ = unix.TimerfdSettime(l.timer, 0, &spec, nil)
}

// advance moves the clock to now and gathers the due connections in the firing list.
func (l *Loop[S]) advance(now uint32) {
	w := &l.wheel
	for range min(now-w.now, buckets) {
		w.now++
		l.gather(w.now%buckets, now)
	}
	w.now = now
}

func (l *Loop[S]) gather(bucket, now uint32) {
	for fd := l.wheel.heads[bucket]; fd != none; {
		c := l.slab.at(fd)
		fd = c.next
		if int32(c.due-now) <= 0 {
			l.unlink(c)
			l.queue(c)
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
		l.schedule(c, maxTimer)
		l.expire(c)
	}
	return l.wheel.heads[firing] != none
}

func (l *Loop[S]) expire(c *Conn[S]) {
	if !c.has(flagClosing) {
		l.handler.OnTimer(c)
		return
	}
	// Lingering has lasted long enough. What the peer has not taken by now it will not get, nor shall it stay in the
	// kernel's send buffer.
	if c.unsent != 0 || queued(c.fd) > 0 {
		l.abort(c)
	}
	l.kill(c, c.reason, 0)
}

// Each calls f for every connection of the loop, those being dialed or closed included, in no order. f may do to
// them, and to others, whatever a Handler may.
func (l *Loop[S]) Each(f func(*Conn[S])) {
	fds := make([]int32, 0, l.wheel.count) // a copy: f may move connections between the lists
	for _, fd := range l.wheel.heads {
		for ; fd != none; fd = l.slab.at(fd).next {
			fds = append(fds, fd)
		}
	}
	for _, fd := range fds {
		if c := l.slab.at(fd); !c.has(flagDead) {
			f(c)
		}
	}
}
