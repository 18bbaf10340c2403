package iomodel

import (
	"errors"
	"io"
	"time"

	"github.com/panjf2000/gnet/v2"

	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// client is one connection of a gnet engine. It belongs to its event loop.
type client struct {
	shard   *shard
	conn    gnet.Conn
	decoder wire.Decoder

	transport transport
	state     state
	ending    reason // set before the server closes
	place     int    // in the shard's list of its state
	kept      int    // bytes that gnet keeps until more come

	last uint64 // position of the newest message that it has got or did not ask for

	// Since the engine was made.
	active   time.Duration // of the connect, then of the last read or write
	pinged   time.Duration // of a ping without an answer, 0 if there is none
	progress time.Duration // when the socket last took something, or nothing waited for it
	deadline time.Duration // of the state closing

	unsent int // what gnet buffered for it at the last sweep
}

// onData takes what has arrived and returns how much of it was consumed.
func (c *client) onData(b []byte) (used int, action gnet.Action) {
	switch {
	case c.state == handshake:
		return c.onHead(b)
	case c.transport == webSocket:
		return c.onFrames(b)
	}
	return len(b), gnet.None // an event stream has no way up
}

// onHead looks for a complete request head and answers it.
func (c *client) onHead(b []byte) (used int, action gnet.Action) {
	s := c.shard
	n, err := wire.ParseRequest(b, s.cfg.HeaderBytes, &s.request)
	if err == nil && n == 0 {
		return 0, gnet.None
	}
	if err == nil {
		err = c.answer(&s.request)
	}
	if err != nil {
		c.refuse(err)
		return len(b), gnet.Close
	}
	if n < len(b) && c.state == open {
		used, action = c.onData(b[n:])
	}
	return n + used, action
}

// answer opens a session, or returns an error to refuse the request with.
func (c *client) answer(r *wire.Request) error {
	s := c.shard
	t := route(string(r.Path))
	if t == plainHTTP {
		return errNotFound
	}
	err := wire.ParseSubscribe(r, &s.subscribe)
	if err != nil {
		return err
	}
	if refusal := s.admit(string(r.Method), s.subscribe.Topics); refusal != nil {
		return refusal
	}
	if t == eventStream {
		s.out = wire.AppendSSEHead(s.out[:0], wire.CORS{Origin: corsOrigin})
		s.out = wire.AppendSSERetry(s.out, jitter(streamRetryLeast, streamRetrySpread))
	} else if s.out, _, err = wire.AppendUpgrade(s.out[:0], r, nil, false); err != nil {
		s.leave()
		return err
	}
	c.begin(t)
	return nil
}

// begin opens the session whose answer is in the shard's scratch buffer, and sends it the newest message.
func (c *client) begin(t transport) {
	s := c.shard
	now := s.now()
	s.move(c, t, open)
	s.handshakes[t].Add(1)
	c.progress = now
	c.write(s.out)
	if m := s.newest(); m != nil && c.state == open {
		c.last = m.Pos() - 1
		var p pass
		c.offer(m, now, &p)
		p.count(&s.counters)
	}
}

// offer writes m to the client, unless it has it or gnet still holds bytes for it.
func (c *client) offer(m *hub.Message, now time.Duration, p *pass) {
	if m.Pos() <= c.last || c.conn.OutboundBuffered() > 0 {
		return
	}
	frame := m.Frame(c.transport.format())
	if _, err := c.conn.Write(frame); err != nil {
		return // gnet has closed the connection
	}
	p.skipped += m.Pos() - c.last - 1
	p.deliveries++
	p.bytes += uint64(len(frame))
	c.last, c.active = m.Pos(), now
}

// write sends control bytes, which gnet buffers if it must.
func (c *client) write(b []byte) {
	c.shard.bytesOut.Add(uint64(len(b)))
	_, _ = c.conn.Write(b) // upon an error gnet closes the connection
	c.active = c.shard.now()
}

// refuse answers the request with err, which is an *wire.HTTPError. The caller closes.
func (c *client) refuse(err error) {
	var refusal *wire.HTTPError
	if !errors.As(err, &refusal) {
		panic("BUG: a request was refused with " + err.Error())
	}
	c.shard.countRefusal(refusal.Code)
	c.ending = refused
	c.write(wire.AppendHTTPError(c.shard.out[:0], refusal))
}

// maxPongs is what may be unsent before pings go unanswered, in bytes, as in internal/session.
const maxPongs = 1 << 10

// onFrames decodes what a WebSocket client sent.
func (c *client) onFrames(b []byte) (used int, action gnet.Action) {
	c.active, c.pinged = c.shard.now(), 0
	for used < len(b) && c.state != gone {
		part, n, err := c.decoder.Next(b[used:], &c.shard.limits)
		used += n
		switch {
		case err != nil:
			frame, r := fault(err)
			return len(b), c.answerClose(frame, r)
		case part.Kind == wire.Close:
			return len(b), c.answerClose(wire.AppendCloseFrame(nil, part.Code, ""), clientClosed)
		case part.Kind == wire.Ping && c.state == open && c.conn.OutboundBuffered() <= maxPongs:
			c.write(wire.AppendPong(c.shard.out[:0], part.Payload))
		case part.Kind == wire.None && n == 0:
			return used, gnet.None
		}
	}
	return used, gnet.None
}

// answerClose sends a close frame, unless one has been sent, and closes.
func (c *client) answerClose(frame []byte, r reason) gnet.Action {
	if c.state == open {
		c.ending = r
		c.write(frame)
	}
	return gnet.Close
}

// sendAway ends an open session because of a drain of length d.
func (c *client) sendAway(d time.Duration) {
	s := c.shard
	c.ending = restart
	c.write(farewell(c.transport, d))
	if c.state == gone {
		return
	}
	c.deadline = s.now() + s.cfg.Linger
	s.move(c, c.transport, closing)
	if c.transport == eventStream && c.conn.OutboundBuffered() == 0 {
		c.close(restart)
	}
}

// sweep does what is due for an open client.
func (c *client) sweep(m *hub.Message, now time.Duration, p *pass) {
	cfg := &c.shard.cfg
	unsent := c.conn.OutboundBuffered()
	if unsent == 0 || unsent < c.unsent {
		c.progress = now
	}
	c.unsent = unsent
	switch {
	case cfg.WriteTimeout > 0 && now-c.progress >= cfg.WriteTimeout:
		c.reset(writeTimeout)
	case c.pinged > 0 && now-c.pinged >= cfg.pongPatience():
		c.reset(pingTimeout)
	case unsent > 0:
	case m != nil && m.Pos() > c.last:
		c.offer(m, now, p)
	case cfg.Heartbeat > 0 && c.pinged == 0 && now-c.active >= cfg.Heartbeat:
		c.beat(now)
	}
}

// beat sends a heartbeat. A WebSocket client has to answer it.
func (c *client) beat(now time.Duration) {
	if c.transport == webSocket {
		c.pinged = now
	}
	c.write(heartbeat(c.transport))
}

// reset closes without a word and drops what the kernel holds.
func (c *client) reset(r reason) {
	_ = c.conn.SetLinger(0)
	c.close(r)
}

// close closes the connection for the reason r, or for the one that has been set.
func (c *client) close(r reason) {
	if c.state == gone {
		return
	}
	if r != none {
		c.ending = r
	}
	_ = c.shard.loop.Close(c.conn)
}

// onClose counts the client out. gnet calls it from inside a write or a close as well.
func (c *client) onClose(err error) {
	s := c.shard
	if c.ending == none {
		c.ending = ending(err)
	}
	s.closes[c.ending].Add(1)
	if c.transport != plainHTTP {
		s.leave()
	}
	s.move(c, c.transport, gone)
}

// ending says why gnet closed a connection by itself.
func ending(err error) reason {
	switch {
	case err == nil:
		return stopped
	case errors.Is(err, io.EOF):
		return peerClosed
	}
	return peerReset
}
