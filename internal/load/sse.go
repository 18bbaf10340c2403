package load

import (
	"errors"
	"slices"

	"tickgate/internal/wire"
)

// unchunker is what the chunked framing of one stream needs between two reads. Few servers use it, tickgate does not,
// so it lives beside the client, in a slice by descriptor.
type unchunker struct {
	wire.ChunkedDecoder
	kept int // bytes at the start of the input that are unwrapped already
}

func (l *loop) unchunker(fd int32) *unchunker {
	if n := int(fd) + 1; n > len(l.chunked) {
		l.chunked = slices.Grow(l.chunked, n-len(l.chunked))[:n]
	}
	return &l.chunked[fd]
}

// receiveStream handles what an open SSE stream has sent. What an event's end is missing of stays with the epoll.Loop
// while it is short, and else in crowd.spill.
func (l *loop) receiveStream(c *conn, b []byte, now int64) (used int) {
	held, spilled := l.spill[c.FD()]
	if !spilled {
		used = l.body(c, b, now)
		return used + l.keep(c, nil, b[used:])
	}
	whole := append(held, b...)
	used = l.body(c, whole, now)
	delete(l.spill, c.FD())
	if rest := whole[used:]; l.keep(c, held[:0], rest) == 0 && len(rest) > 0 {
		l.spill[c.FD()] = append(held[:0], rest...)
	}
	return len(b)
}

// keep moves rest to buf in crowd.spill if it is long, and returns how much it took.
func (l *loop) keep(c *conn, buf, rest []byte) (taken int) {
	switch {
	case c.State().phase != open:
		return len(rest)
	case int64(len(rest)) > l.cfg.MaxMessage:
		l.oversized(c)
		return len(rest)
	case len(rest) > maxLeftover:
		l.spill[c.FD()] = append(buf, rest...)
		return len(rest)
	}
	return 0
}

// body takes the chunked framing off, if there is any.
func (l *loop) body(c *conn, b []byte, now int64) (used int) {
	s := c.State()
	if s.flags&flagChunked == 0 {
		return l.receiveEvents(c, b, now)
	}
	u := l.unchunker(c.FD())
	lo, hi, err := u.Unwrap(b, u.kept)
	if err != nil {
		l.violated(c, err)
		return len(b)
	}
	used = lo + l.receiveEvents(c, b[lo:hi], now)
	u.kept = hi - used
	if u.Done() && s.phase == open {
		l.finished(c)
	}
	return used
}

// receiveEvents handles the events in a piece of the stream.
func (l *loop) receiveEvents(c *conn, b []byte, now int64) (used int) {
	s := c.State()
	for used < len(b) && s.phase == open {
		e, n := s.events.Next(b[used:])
		if n == 0 {
			break
		}
		used += n
		l.event(s, &e, now)
	}
	return used
}

// event handles one event.
func (l *loop) event(s *client, e *wire.SSEEvent, now int64) {
	if e.HasRetry {
		s.setRetry(e.Retry)
	}
	if e.HasID {
		l.remember(s, e.ID)
	}
	if !e.HasData {
		return
	}
	if string(e.Event) == "gap" {
		l.gap(s, e.Data)
		return
	}
	l.message(s, e.Data, now)
}

var errTooLong = errors.New("event longer than the longest message")

func (l *loop) oversized(c *conn) {
	s := c.State()
	l.fail(c, Oversized, l.pause(s), func() string { return l.target(s).URL + ": " + errTooLong.Error() })
}

// finished deals with a stream that was ended by its last chunk.
func (l *loop) finished(c *conn) {
	s := c.State()
	l.fail(c, Ended, l.pause(s), func() string { return l.target(s).URL + ": stream ended" })
}

// forgetInput drops what was kept of a connection's input.
func (l *loop) forgetInput(c *conn) {
	delete(l.spill, c.FD())
	if int(c.FD()) < len(l.chunked) {
		l.chunked[c.FD()] = unchunker{}
	}
}
