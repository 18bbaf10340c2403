package session

import (
	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// onFrames decodes what a WebSocket client sent and returns how many bytes it consumed.
func (l *Loop) onFrames(c *conn, b []byte) (used int) {
	s := c.State()
	s.pinged = false // any sign of life will do
	for used < len(b) && c.Alive() {
		part, n, err := s.decoder.Next(b[used:], &l.limits)
		used += n
		switch {
		case err != nil:
			l.onFault(c, err)
			return len(b)
		case part.Kind == wire.None && n == 0:
			return used
		default:
			l.onPart(c, &part)
		}
	}
	return used
}

func (l *Loop) onPart(c *conn, part *wire.Part) {
	switch part.Kind {
	case wire.Data:
		if c.State().transport == Echo {
			l.echo(c, part)
		} // else raw mode: what clients say is checked, bounded and ignored
	case wire.Ping:
		if l.epoll.Unsent(c) <= maxPongs {
			l.write(c, wire.AppendPong(l.out[:0], part.Payload))
		}
	case wire.Close:
		// RFC 6455 §5.5.1: answer with the same code, then the server closes first (§7.1.1).
		l.write(c, wire.AppendCloseFrame(l.out[:0], part.Code, ""))
		l.close(c, ClientClosed)
	}
}

// onFault answers broken frames with a close frame that says what was wrong.
func (l *Loop) onFault(c *conn, err error) {
	reason, fault := frameFault(err)
	l.write(c, wire.AppendCloseFrame(l.out[:0], fault.Code, fault.Reason))
	l.close(c, reason)
}

// echo sends a part of a message back as it comes, as a fragment, so that no message is ever held. While the client does
// not take its echo, nothing more is read from it.
func (l *Loop) echo(c *conn, part *wire.Part) {
	op := part.Op
	if !part.First {
		op = wire.OpContinuation
	}
	if l.write(c, wire.AppendFragment(l.out[:0], op, part.Final, part.Payload)) == epoll.Partial {
		l.epoll.PauseRead(c)
	}
}

// write sends bytes that were appended to l.out and keeps the grown buffer.
func (l *Loop) write(c *conn, b []byte) epoll.Status {
	status := l.epoll.Write(c, b)
	l.out = b[:0]
	return status
}
