package session

import (
	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// onFrames answers what a WebSocket client sent and returns how many bytes it consumed. All answers to one read go out
// in one write. While the client does not take them, nothing more is read from it: what is kept for it stays bounded,
// and yet every ping finds its pong.
func (l *Loop) onFrames(c *conn, b []byte) int {
	s := c.State()
	s.pinged = false // any sign of life will do
	l.out = l.out[:0]
	l.inbound.tick()
	used, end := l.decode(c, b)
	if end == epoll.ReasonNone && !l.inbound.takeBytes(s, used) {
		end = l.farewell(c, InboundBytes, l.inbound.overdrawn(InboundBytes))
	}
	if end == epoll.ReasonNone && s.transport == Envelope {
		end = l.flushAnswers(c)
	}
	switch {
	case end != epoll.ReasonNone:
		l.finish(c, end)
	case len(l.out) > 0 && l.epoll.Write(c, l.out) == epoll.Partial:
		l.epoll.PauseRead(c)
	}
	return used
}

// decode takes b apart, as far as its frames are complete, and appends the answers to l.out. Beside the bytes consumed
// it returns why the session ends, ReasonNone if it does not.
func (l *Loop) decode(c *conn, b []byte) (used int, end epoll.Reason) {
	s := c.State()
	for used < len(b) {
		part, n, err := s.decoder.Next(b[used:], &l.limits)
		used += n
		switch {
		case err != nil:
			end, fault := frameFault(err)
			return len(b), l.farewell(c, end, fault)
		case part.Kind == wire.Close:
			// RFC 6455 §5.5.1: answer with the same code, then the server closes first (§7.1.1).
			return len(b), l.farewell(c, ClientClosed, &wire.CloseError{Code: part.Code})
		case part.Kind != wire.None && s.decoder.BetweenFrames() && !l.inbound.takeMessages(s, 1):
			return len(b), l.farewell(c, InboundRate, l.inbound.overdrawn(InboundRate))
		case part.Kind == wire.None && n == 0:
			return used, epoll.ReasonNone
		}
		if s.transport != Envelope {
			l.appendAnswer(s.transport, &part)
		} else if end := l.onPart(c, &part); end != epoll.ReasonNone {
			return len(b), end
		}
	}
	return used, epoll.ReasonNone
}

// appendAnswer appends what a part of the client's frames is answered with. In raw mode messages are checked, bounded
// and ignored; /echo sends them back as they come, as fragments, so that no message is ever held.
func (l *Loop) appendAnswer(t Transport, part *wire.Part) {
	switch {
	case part.Kind == wire.Ping:
		if t == WebSocket && len(l.out) > maxPongs {
			l.out = l.out[:0] // RFC 6455 §5.5.3: only the latest ping needs an answer
		}
		l.out = wire.AppendPong(l.out, part.Payload)
	case part.Kind == wire.Data && t == Echo:
		op := part.Op
		if !part.First {
			op = wire.OpContinuation
		}
		l.out = wire.AppendFragment(l.out, op, part.Final, part.Payload)
	}
}
