package session

import (
	"time"

	"tickgate/internal/wire"
)

// Drain sends everybody away over the time d: new connections are no longer accepted, and each session ends at its own
// random moment with a hint when to come back (close code 1012 with retry=, or retry: on an event stream), which spreads
// the return as well. Safe for concurrent use. The loop goes on running; see Stop.
func (l *Loop) Drain(d time.Duration) {
	l.epoll.Post(func() {
		l.draining, l.drain = true, d
		l.epoll.StopListening()
		l.epoll.Each(func(c *conn) {
			if c.State().phase == Open {
				l.epoll.SetTimer(c, l.jitter(0, d))
			}
		})
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
