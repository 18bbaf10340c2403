package iomodel

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Snapshot is a server's counters at one moment.
type Snapshot struct {
	Connections []Connections     // gauge, one for each transport and state
	Accepts     uint64            // connections accepted
	Refusals    map[string]uint64 // requests answered with an error, by its code
	Handshakes  map[string]uint64 // sessions opened, by transport
	Closes      map[string]uint64 // connections (gnet) or sessions (goroutine) ended, by reason
	Deliveries  uint64            // message and client
	Skipped     uint64            // messages that a client never got because a newer one was there
	BytesIn     uint64            // read from clients; of the goroutine model only what WebSockets read
	BytesOut    uint64            // handed to sockets; of the goroutine model without response heads
}

// Connections is a number of connections that share a transport (http before the request is answered, ws, sse) and a
// state (handshake, open, closing).
type Connections struct {
	Transport, State string
	N                int
}

// counters are shared by all goroutines of a server.
type counters struct {
	gauges     [transports][states]atomic.Int64
	accepts    atomic.Uint64
	handshakes [transports]atomic.Uint64
	closes     [reasons]atomic.Uint64
	deliveries atomic.Uint64
	skipped    atomic.Uint64
	bytesIn    atomic.Uint64
	bytesOut   atomic.Uint64

	mu       sync.Mutex
	refusals map[string]uint64 // guarded by mu
}

// move counts a connection from one transport and state to another; gone is no state to be counted in.
func (c *counters) move(fromT transport, from state, toT transport, to state) {
	if to != gone {
		c.gauges[toT][to].Add(1)
	}
	if from != gone {
		c.gauges[fromT][from].Add(-1)
	}
}

func (c *counters) countRefusal(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == nil {
		c.refusals = make(map[string]uint64)
	}
	c.refusals[code]++
}

// Open implements Server.
func (c *counters) Open() (n int) {
	for t := range c.gauges {
		for s := range c.gauges[t] {
			n += int(c.gauges[t][s].Load())
		}
	}
	return n
}

// Snapshot implements Server.
func (c *counters) Snapshot() Snapshot {
	s := Snapshot{
		Accepts: c.accepts.Load(), Deliveries: c.deliveries.Load(), Skipped: c.skipped.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		Handshakes: make(map[string]uint64), Closes: make(map[string]uint64),
	}
	for t := range transports {
		for st := range states {
			n := int(c.gauges[t][st].Load())
			s.Connections = append(s.Connections, Connections{Transport: t.String(), State: st.String(), N: n})
		}
	}
	for t := webSocket; t < transports; t++ {
		s.Handshakes[t.String()] = c.handshakes[t].Load()
	}
	for r := none + 1; r < reasons; r++ {
		if n := c.closes[r].Load(); n > 0 {
			s.Closes[r.String()] = n
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Refusals = maps.Clone(c.refusals)
	return s
}
