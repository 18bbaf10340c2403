package iomodel

import (
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"tickgate/internal/wire"
)

// shard is one of gnet's event loops and its clients. But for dirty it belongs to the event loop.
type shard struct {
	*core  // shared
	began  time.Time
	loop   gnet.EventLoop
	limits wire.Limits

	dirty atomic.Bool // a fan-out has been posted

	clients    [states][]*client // unordered
	request    wire.Request
	subscribe  wire.Subscribe
	out        []byte // scratch
	drainFrom  int    // open clients when the drain began
	isDraining bool
}

func newShard(e *engine, loop gnet.EventLoop) *shard {
	return &shard{
		core: e.core, began: e.began, loop: loop,
		limits: wire.Limits{Server: true, MaxMessage: int64(e.cfg.MaxInbound)},
	}
}

// now returns the time since the engine was made.
func (s *shard) now() time.Duration { return time.Since(s.began) }

// add makes the client of a connection that has just been accepted.
func (s *shard) add(conn gnet.Conn) *client {
	c := &client{shard: s, conn: conn, state: gone, active: s.now()}
	s.move(c, plainHTTP, handshake)
	return c
}

// move takes a client from the list of its state to that of another; gone has no list.
func (s *shard) move(c *client, t transport, to state) {
	s.counters.move(c.transport, c.state, t, to)
	if c.state != gone {
		list := s.clients[c.state]
		last := len(list) - 1
		list[c.place] = list[last]
		list[c.place].place = c.place
		list[last] = nil
		s.clients[c.state] = list[:last]
	}
	c.transport, c.state = t, to
	if to != gone {
		c.place = len(s.clients[to])
		s.clients[to] = append(s.clients[to], c)
	}
}

// each calls f with every client of a state. f may move or close the client it is called with, but no other: the walk
// goes down, so that only clients that have had their turn fill the hole.
func (s *shard) each(st state, f func(*client)) {
	for i := len(s.clients[st]) - 1; i >= 0; i-- {
		f(s.clients[st][i])
	}
}

// fanOut writes the newest message to every open client that does not have it and whose socket takes it.
func (s *shard) fanOut() {
	s.dirty.Store(false) // before the newest message is looked at: what comes later posts another fan-out
	m := s.newest()
	if m == nil {
		return
	}
	now := s.now()
	var p pass
	s.each(open, func(c *client) { c.offer(m, now, &p) })
	p.count(&s.counters)
}

// pass counts deliveries, so that the shared counters are touched once in a pass.
type pass struct{ deliveries, skipped, bytes uint64 }

func (p *pass) count(c *counters) {
	c.deliveries.Add(p.deliveries)
	c.skipped.Add(p.skipped)
	c.bytesOut.Add(p.bytes)
}

// sweep does everything that is due after some time: timeouts, heartbeats, and the newest message for clients that missed
// it because their socket was full.
func (s *shard) sweep() {
	now := s.now()
	s.each(handshake, func(c *client) {
		if now-c.active >= s.cfg.HeaderTimeout {
			c.refuse(errTimeout)
			c.close(headerTimeout)
		}
	})
	s.each(closing, func(c *client) {
		switch {
		case c.transport == eventStream && c.conn.OutboundBuffered() == 0:
			c.close(none)
		case now >= c.deadline:
			c.reset(none)
		}
	})
	m := s.newest()
	var p pass
	s.each(open, func(c *client) { c.sweep(m, now, &p) })
	p.count(&s.counters)
}

// drain sends away as many of the open clients as are due when left of d is left.
func (s *shard) drain(left, d time.Duration) {
	if !s.isDraining {
		s.isDraining, s.drainFrom = true, len(s.clients[open])
	}
	keep := 0
	if left > 0 {
		keep = int(float64(s.drainFrom) * float64(left) / float64(d))
	}
	for n := len(s.clients[open]); n > keep; n = len(s.clients[open]) {
		s.clients[open][n-1].sendAway(d)
	}
}
