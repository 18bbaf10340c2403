package load

import (
	"errors"
	"fmt"
	"time"

	"tickgate/internal/wire"
)

// receiveFrames handles what an open WebSocket has sent.
func (l *loop) receiveFrames(c *conn, b []byte, now int64) (used int) {
	s := c.State()
	lim := wire.Limits{MaxMessage: l.cfg.MaxMessage}
	for used < len(b) && s.phase == open {
		p, n, err := s.frames.Next(b[used:], &lim)
		if err != nil {
			l.violated(c, err)
			return len(b)
		}
		if n == 0 {
			return used
		}
		used += n
		l.part(c, &p, now)
	}
	if s.phase != open {
		return len(b)
	}
	return used
}

// part handles one piece of what the decoder found.
func (l *loop) part(c *conn, p *wire.Part, now int64) {
	s := c.State()
	switch p.Kind {
	case wire.Data:
		if p.First && p.Final {
			l.text(s, p.Payload, now)
			return
		}
		l.fragment(c, p, now)
	case wire.Ping:
		l.tally(s).Pings++
		l.scratch = wire.AppendMaskedFrame(l.scratch[:0], wire.OpPong, p.Payload, l.maskKey())
		l.ep.Write(c, l.scratch)
	case wire.Close:
		l.closed(c, p)
	}
}

// fragment gathers a message that comes in pieces, which is rare enough to be copied.
func (l *loop) fragment(c *conn, p *wire.Part, now int64) {
	whole := append(l.spill[c.FD()], p.Payload...)
	if !p.Final {
		l.spill[c.FD()] = whole
		return
	}
	delete(l.spill, c.FD())
	l.text(c.State(), whole, now)
}

// text handles a whole message, text or binary.
func (l *loop) text(s *client, payload []byte, now int64) {
	if l.cfg.Subprotocol == wire.Subprotocol {
		l.enveloped(s, payload, now)
		return
	}
	l.identify(s, payload)
	l.message(s, payload, now)
}

// closed answers a close frame and does what its code says (protocol.md, close codes).
func (l *loop) closed(c *conn, p *wire.Part) {
	s := c.State()
	countKey(&l.faults.CloseCodes, int(p.Code))
	echo := wire.AppendClosePayload(nil, p.Code, "")
	l.scratch = wire.AppendMaskedFrame(l.scratch[:0], wire.OpClose, echo, l.maskKey())
	l.ep.Write(c, l.scratch)
	l.fail(c, Closed, l.pauseAfterClose(s, p), func() string {
		return fmt.Sprintf("%s: closed with %d %q", l.target(s).URL, p.Code, p.Payload)
	})
}

func (l *loop) pauseAfterClose(s *client, p *wire.Part) time.Duration {
	if !comesBackAfter(p.Code) {
		return never
	}
	if d, ok := wire.ParseRetry(p.Payload); ok {
		l.tally(s).Hinted++
		return d
	}
	return l.pause(s)
}

// violated ends a connection whose server broke the protocol.
func (l *loop) violated(c *conn, err error) {
	kind := ProtocolError
	var closeError *wire.CloseError
	if errors.As(err, &closeError) && closeError.Code == wire.CloseTooBig {
		kind = Oversized
	}
	s := c.State()
	l.fail(c, kind, l.pause(s), func() string { return fmt.Sprintf("%s: %v", l.target(s).URL, err) })
	l.ep.Reset(c, reasonLeft)
}
