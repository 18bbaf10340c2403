package epoll

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"
)

// coalescer makes a loop deal with its events in rounds, with a rest between two rounds in which more of them gather, as
// network cards moderate their interrupts. Going to sleep and being woken costs a client process half of its processor
// time when it does so for every single message (15,000 connections, one message a second: 3.9 µs a message with,
// 2.5 µs without).
//
// The end of a round is told by an eventfd of its own. It is edge-triggered and rung after each rest, so epoll reports
// it behind everything that became ready during the rest, and resting then keeps nobody waiting who has been seen. A
// loop that rests does so without telling the Go scheduler: telling it would have the runtime hand the processor to
// another thread each time, and keep its monitor thread awake. Only after several rounds without an event does the loop
// block in epoll_wait.
type coalescer struct {
	// Immutable after open.
	every time.Duration // 0 turns it off
	bell  int           // eventfd, -1 if off

	now     time.Time // when one of the last clockEvery events was dealt with
	batch   []deferred
	before  time.Time // when the rest before the last one was over
	begun   time.Time // when the last rest was over
	events  int       // since then
	quiet   int       // rounds without an event, in a row
	awake   bool      // the bell has been rung, so the round will end
	hurried bool      // there is more work of the loop's own to do
	touched uint64    // keeps the compiler from dropping reads whose only effect is to load the cache
}

// deferred is an event that waits for the others of its batch.
type deferred struct {
	fd int32
	ev netpoll.IOEvent
}

const (
	// clockEvery is for how many events one reading of the clock serves: 30 µs of a client's work.
	clockEvery = 16
	// batchSize is how many connections are looked at together before the first of them is dealt with. Their entries are
	// not in the processor's caches, and so many misses at once take little longer than one.
	batchSize = 64
	// quietRounds is how many rounds without an event a loop awaits before it blocks.
	quietRounds = 2
)

// openCoalescer makes the bell, if the loop coalesces.
func (l *Loop[S]) openCoalescer() (err error) {
	c := &l.coalesce
	if c.every = l.cfg.Coalesce; c.every == 0 {
		return nil
	}
	if c.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	c.batch = make([]deferred, 0, batchSize)
	if err := l.poller.AddRead(&netpoll.PollAttachment{FD: c.bell}, true); err != nil {
		return fmt.Errorf("watch the end of rounds: %w", err)
	}
	return nil
}

// Now returns the time. In a loop that coalesces it may be that of one of the last 16 events.
func (l *Loop[S]) Now() time.Time {
	if l.coalesce.every == 0 {
		return time.Now()
	}
	return l.coalesce.now
}

// lookAtClock makes Now exact again.
func (l *Loop[S]) lookAtClock() {
	c := &l.coalesce
	c.now = time.Now()
	l.catchUpTo(uint32(c.now.Sub(l.start) / Tick))
}

// coalesced takes an event of a loop that coalesces.
func (l *Loop[S]) coalesced(fd int, ev netpoll.IOEvent) {
	c := &l.coalesce
	if fd == c.bell {
		l.dealWithBatch()
		l.endRound()
		return
	}
	if !c.awake {
		l.lookAtClock()
		c.awake, c.before, c.begun, c.quiet, c.events = true, c.now, c.now, 0, 0
		c.ring()
	}
	if fd == l.doorbell || fd == l.timer || l.listener(fd) >= 0 {
		l.lookAtClock()
		l.dispatch(fd, ev)
		return
	}
	c.touched += l.slab.at(int32(fd)).touch()
	c.batch = append(c.batch, deferred{int32(fd), ev})
	if len(c.batch) == cap(c.batch) {
		l.dealWithBatch()
	}
}

// dealWithBatch handles the events that wait. It must be called before descriptors are closed.
func (l *Loop[S]) dealWithBatch() {
	c := &l.coalesce
	for i, d := range c.batch {
		if i%clockEvery == 0 {
			l.lookAtClock()
		}
		l.ready(l.slab.at(d.fd), d.ev)
	}
	c.events += len(c.batch)
	c.batch = c.batch[:0]
}

// Waited returns for how long the bytes at hand may have been ready, at most: since the round before this one began. How
// long a loop that was asleep took to be woken is not in it. It is 0 in a loop that does not coalesce.
func (l *Loop[S]) Waited() time.Duration {
	c := &l.coalesce
	return c.now.Sub(c.before)
}

// endRound rests, unless the round took longer than a rest by itself, and begins the next one.
func (l *Loop[S]) endRound() {
	c := &l.coalesce
	c.quiet++
	if c.events > 0 || c.hurried {
		c.quiet = 0
	}
	if c.quiet > quietRounds {
		c.awake = false
		return
	}
	runtime.Gosched() // nobody else takes this goroutine's place while it rests, nor makes the timers run
	if !c.hurried && time.Since(c.begun) < c.every {
		rest(c.every)
	}
	c.before, c.begun, c.events = c.begun, time.Now(), 0
	c.ring()
}

// ring makes the round end behind the events that are ready by now. An edge-triggered counter is never read: it would
// take centuries to fill.
func (c *coalescer) ring() { ring(c.bell) }
