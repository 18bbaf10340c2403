package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// reasonLeft is given to the epoll.Loop for every connection the swarm ends; why is known to the client's state.
const reasonLeft = epoll.UserReason

// OnOpen implements epoll.Handler: the connection is established, the request goes out.
func (l *loop) OnOpen(c *conn) {
	s := c.State()
	now := time.Now().UnixNano()
	l.connect.record(time.Duration(now-s.mark), 1)
	s.phase, s.mark = handshaking, now
	l.scratch = l.appendRequest(l.scratch[:0], s)
	l.ep.Write(c, l.scratch) // if it fails, OnClose follows
}

// OnData implements epoll.Handler.
func (l *loop) OnData(c *conn, b []byte) int {
	s := c.State()
	switch s.phase {
	case open:
		return l.receive(c, b, l.ep.Now().UnixNano())
	case handshaking:
		now := time.Now().UnixNano()
		n := l.answer(c, b, now)
		if s.phase == open && s.flags&flagSlow == 0 && n < len(b) {
			return n + l.receive(c, b[n:], now)
		}
		if s.phase == handshaking {
			return n
		}
	}
	return len(b)
}

// receive handles what an open connection has sent.
func (l *loop) receive(c *conn, b []byte, now int64) int {
	l.readable.ask(c.FD(), now)
	t := l.tally(c.State())
	before := t.Messages
	used := l.receiveAs(c, b, now)
	if n := t.Messages - before; n > 0 {
		l.lag.record(l.readable.lag(l.ep.Waited(), now, n), n)
	}
	return used
}

// receiveAs does so on the target's transport.
func (l *loop) receiveAs(c *conn, b []byte, now int64) int {
	if l.target(c.State()).Transport == WebSocket {
		return l.receiveFrames(c, b, now)
	}
	return l.receiveStream(c, b, now)
}

// OnWritable implements epoll.Handler; clients have nothing waiting.
func (l *loop) OnWritable(*conn) {}

// OnTimer implements epoll.Handler: the handshake took too long.
func (l *loop) OnTimer(c *conn) {
	s := c.State()
	if s.phase != dialing && s.phase != handshaking {
		return
	}
	l.fail(c, TimedOut, l.pause(s), func() string {
		return fmt.Sprintf("%s: no answer within %v", l.target(s).URL, l.cfg.Timeout)
	})
	l.ep.Reset(c, reasonLeft) // who does not answer would not answer a FIN either
}

// OnClose implements epoll.Handler: the end of a connection, of whatever kind.
func (l *loop) OnClose(c *conn, reason epoll.Reason, err error) {
	s := c.State()
	if s.phase != leaving {
		l.lost(c, reason, err)
	}
	l.forgetInput(c)
	if s.flags&flagReturns == 0 {
		l.gaveUp++
		return
	}
	s.flags |= flagBack
	l.goAway(s)
}

// lost deals with a connection that was ended by the other side or the system.
func (l *loop) lost(c *conn, reason epoll.Reason, err error) {
	s := c.State()
	if reason == epoll.Stopped {
		l.depart(c, never)
		return
	}
	kind := lossKind(s.phase, reason, err)
	l.fail(c, kind, l.pause(s), func() string {
		if err != nil {
			return fmt.Sprintf("%s: %v", l.target(s).URL, err)
		}
		return fmt.Sprintf("%s: %s", l.target(s).URL, reason)
	})
}

func lossKind(phase clientPhase, reason epoll.Reason, err error) Failure {
	switch {
	case phase == dialing:
		return failureOf(err)
	case phase == handshaking:
		return HungUp
	case reason == epoll.PeerClosed:
		return Ended
	case reason == epoll.LeftoverExceeded:
		return Oversized
	}
	return WasReset
}

// never as a pause means that the client does not come back.
const never = time.Duration(-1)

// fail counts the failure of a connection and ends it. After pause the client comes back. example says it in words;
// it is called for the first failure of a kind.
func (l *loop) fail(c *conn, kind Failure, pause time.Duration, example func() string) {
	s := c.State()
	if s.phase == leaving {
		return
	}
	if s.phase == open {
		l.tally(s).Disconnects++
	}
	l.faults.count(kind, example)
	l.depart(c, pause)
}

// depart ends a connection without counting a failure.
func (l *loop) depart(c *conn, pause time.Duration) {
	s := c.State()
	if s.phase == open {
		l.strike(c)
		l.setAside(s)
	} else {
		l.dialing--
	}
	s.phase = leaving
	if pause != never && !l.cfg.NoReconnect && !l.farewell {
		s.flags |= flagReturns
		s.mark = time.Now().UnixNano() + int64(pause)
	}
	l.ep.Close(c, reasonLeft)
}

// pause is how long a client waits without a hint for this very disconnect.
func (l *loop) pause(s *client) time.Duration {
	wish := time.Duration(s.retry) * retryUnit
	if s.attempts == 0 && wish > 0 {
		l.tally(s).Hinted++
		return wish
	}
	return max(wish, backoff(s.attempts))
}

// goodbye is what a WebSocket client says when it leaves.
func (l *loop) goodbye(c *conn) {
	if l.target(c.State()).Transport == WebSocket {
		l.scratch = wire.AppendMaskedFrame(l.scratch[:0], wire.OpClose, closeNormal, l.maskKey())
		l.ep.Write(c, l.scratch)
	}
}

var closeNormal = wire.AppendClosePayload(nil, wire.CloseNormal, "")

func (l *loop) maskKey() (key [4]byte) {
	r := l.rng.Uint32()
	return [4]byte{byte(r), byte(r >> 8), byte(r >> 16), byte(r >> 24)}
}

// shrink makes the receive buffer of a client that will not read small.
func shrink(c *conn) {
	_ = unix.SetsockoptInt(int(c.FD()), unix.SOL_SOCKET, unix.SO_RCVBUF, slowRcvBuf) // without it the client is slow later
}
