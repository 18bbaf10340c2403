package session

import (
	"net/http"
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

// turnAway answers who asks for a session while the gateway drains. An event stream begins, and ends with the hint: an
// EventSource comes back after that, whereas any status but 200 would make it give up for good (WHATWG HTML §9.2.3).
func (l *Loop) turnAway(c *conn, r *wire.Request, t Transport) error {
	const code = "draining"
	if t != SSE || string(r.Method) == http.MethodHead {
		return l.unavailable(code, "the server is restarting")
	}
	l.counters.Refused[code]++
	l.out = wire.AppendSSEHead(l.out[:0], l.cors(r))
	l.out = wire.AppendSSERetry(l.out, l.comeBack())
	l.finish(c, Refused)
	return nil
}

// comeBack is when a client that is sent away should return.
func (l *Loop) comeBack() time.Duration { return l.jitter(retryLeast, max(l.drain, retrySpread)) }

// sendAway ends an open session because of the drain.
func (l *Loop) sendAway(c *conn) {
	retry := l.comeBack()
	if c.State().transport == SSE {
		l.out = wire.AppendSSERetry(l.out[:0], retry)
	} else {
		l.out = wire.AppendCloseRetry(l.out[:0], wire.CloseRestart, retry)
	}
	l.finish(c, Restart)
}
