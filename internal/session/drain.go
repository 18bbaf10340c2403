package session

import (
	"time"

	"tickgate/internal/wire"
)

// Drain sends everybody away over the time d: new connections are no longer accepted, and each session ends at its own
// random moment with a hint when to come back (close code 1012 with retry=, or retry: on an event stream), which spreads
// the return as well. A client that has not sent its request head by the end of d is refused. Drain returns once the loop
// has begun, so that connections that waited to be accepted count as open from then on. Safe for concurrent use, but not
// for the loop itself. The loop goes on running; see Stop.
func (l *Loop) Drain(d time.Duration) {
	begun := make(chan struct{})
	if !l.epoll.Post(func() { l.beginDrain(d); close(begun) }) {
		return
	}
	select {
	case <-begun:
	case <-l.epoll.Done():
	}
}

func (l *Loop) beginDrain(d time.Duration) {
	l.draining, l.drain = true, d
	l.epoll.StopListening() // which accepts those that wait
	l.epoll.Each(func(c *conn) {
		switch c.State().phase {
		case Open:
			l.epoll.SetTimer(c, l.jitter(0, d))
		case Handshake:
			l.epoll.SetTimer(c, min(d, l.cfg.HeaderTimeout))
		}
	})
}

// sendAway ends an open session because of the drain.
func (l *Loop) sendAway(c *conn) {
	retry := l.jitter(retryLeast, max(l.drain, retrySpread))
	if c.State().transport == SSE {
		l.out = wire.AppendSSERetry(l.out[:0], retry)
	} else {
		l.out = wire.AppendCloseRetry(l.out[:0], wire.CloseRestart, retry)
	}
	l.finish(c, Restart)
}
