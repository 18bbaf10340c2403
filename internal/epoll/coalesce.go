package epoll

import (
	"time"

	"golang.org/x/sys/unix"
)

// coalesceFrom is how many events between two rests show that the loop is busy enough to gather events in batches
// without resting.
const coalesceFrom = 64

// coalescer makes an idle loop let events gather before it deals with the first one, as network cards moderate their
// interrupts. Going to sleep and being woken costs a client process half of its processor time when it does so for
// every single message (15,000 connections, one message a second: 3.9 µs a message with, 2.5 µs without).
type coalescer struct {
	rest   unix.Timespec
	every  time.Duration // 0 turns it off
	last   time.Time
	events int
}

func newCoalescer(d time.Duration) coalescer {
	return coalescer{rest: unix.NsecToTimespec(int64(d)), every: d}
}

// event is called before each event.
func (c *coalescer) event() {
	if c.every == 0 {
		return
	}
	c.events++
	if now := time.Now(); now.Sub(c.last) >= c.every {
		if c.events < coalesceFrom {
			_ = unix.Nanosleep(&c.rest, nil)
			now = time.Now()
		}
		c.last, c.events = now, 0
	}
}
