package session

import (
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// heartbeatPing is what a ping carries. Nothing depends on it; any bytes from the client count as its answer.
var heartbeatPing = []byte("tickgate")

// restAtMost is how long a session without deadlines sleeps.
const restAtMost = time.Hour

// OnTimer implements epoll.Handler.
func (l *Loop) OnTimer(c *conn) {
	switch s := c.State(); {
	case s.phase == Handshake:
		l.request = wire.Request{}
		l.refuse(c, errTimeout)
	case l.draining:
		l.sendAway(c)
	case l.stuck(c):
		l.epoll.Reset(c, WriteTimeout)
	case s.pinged:
		l.epoll.Reset(c, PingTimeout)
	default:
		l.beat(c)
		l.watch(c)
	}
}

// stuck reports whether bytes have waited for the socket longer than they may.
func (l *Loop) stuck(c *conn) bool {
	return l.cfg.WriteTimeout > 0 && c.IsBlocked() && l.epoll.SinceWrite(c) >= l.cfg.WriteTimeout
}

// beat sends a ping or a comment if the connection has been silent for a heartbeat. A connection on which messages flow
// needs none: TCP_USER_TIMEOUT finds a vanished peer and WriteTimeout one that does not read.
func (l *Loop) beat(c *conn) {
	if l.cfg.Heartbeat == 0 || c.IsBlocked() || l.silence(c) < l.cfg.Heartbeat {
		return
	}
	s := c.State()
	if s.transport == SSE {
		l.write(c, wire.AppendSSEComment(l.out[:0], ""))
		return
	}
	s.pinged = true
	l.write(c, wire.AppendPing(l.out[:0], heartbeatPing))
}

func (l *Loop) silence(c *conn) time.Duration {
	return min(l.epoll.SinceRead(c), l.epoll.SinceWrite(c))
}

// watch sets the timer for the next thing that may be due.
func (l *Loop) watch(c *conn) {
	d := restAtMost
	if l.cfg.Heartbeat > 0 {
		// Not before the next silence could be long enough, and not all connections of a storm in the same tick.
		d = min(d, l.jitter(max(l.cfg.Heartbeat-l.silence(c), epoll.Tick), l.cfg.Heartbeat/16))
	}
	if c.State().pinged {
		d = min(d, min(l.cfg.Heartbeat, pongTimeout))
	}
	if l.cfg.WriteTimeout > 0 {
		d = min(d, l.cfg.WriteTimeout)
	}
	l.epoll.SetTimer(c, d)
}
