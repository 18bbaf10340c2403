package session

import (
	"time"

	"tickgate/internal/wire"
)

// heartbeatPing is what a ping carries. Nothing depends on it; any bytes from the client count as its answer.
var heartbeatPing = []byte("tickgate")

// restAtMost is how long a session without deadlines sleeps.
const restAtMost = time.Hour

// OnTimer implements epoll.Handler.
func (l *Loop) OnTimer(c *conn) {
	l.inbound.settle(c.State())
	switch s := c.State(); {
	case s.phase == Handshake:
		l.giveUp(c)
	case l.draining:
		l.sendAway(c)
	case l.stuck(c):
		l.epoll.Reset(c, WriteTimeout)
	case s.untilExpiry() <= 0:
		l.expire(c)
	case l.untilCommand(c) <= 0:
		l.loseCommand(c)
	case s.pinged:
		l.epoll.Reset(c, PingTimeout)
	default:
		l.warn(c)
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
	if l.cfg.Heartbeat == 0 || l.silence(c) < l.cfg.Heartbeat {
		return
	}
	if c.State().transport == SSE {
		l.out = wire.AppendSSEComment(l.out[:0], "")
	} else {
		c.State().pinged = true
		l.out = wire.AppendPing(l.out[:0], heartbeatPing)
	}
	l.epoll.Write(c, l.out)
}

// silence returns how long nothing has gone either way. A full socket is not silent: bytes wait for it.
func (l *Loop) silence(c *conn) time.Duration {
	if c.IsBlocked() {
		return 0
	}
	return min(l.epoll.SinceRead(c), l.epoll.SinceWrite(c))
}

// watch sets the timer for the next thing that may be due. Bytes that come and go do not touch it: what they mean is
// found out when it fires.
func (l *Loop) watch(c *conn) {
	d := restAtMost
	if l.cfg.Heartbeat > 0 {
		// The jitter keeps the connections of a storm from being pinged in one tick.
		d = l.jitter(l.cfg.Heartbeat-l.silence(c), l.cfg.Heartbeat/16)
	}
	if l.cfg.WriteTimeout > 0 {
		d = min(d, l.cfg.WriteTimeout) // early enough for a socket that is about to fill
		if c.IsBlocked() {
			d = min(d, l.cfg.WriteTimeout-l.epoll.SinceWrite(c))
		}
	}
	d = min(d, c.State().untilExpiry(), l.untilWarning(c), l.untilCommand(c))
	if c.State().pinged {
		d = min(l.cfg.Heartbeat, pongTimeout) // nothing may cut the client's time to answer short
	}
	l.epoll.SetCoarseTimer(c, d)
}
