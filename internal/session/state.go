package session

import (
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// State is a session's part of its connection's slab entry. It has no pointers.
type State struct {
	decoder   wire.Decoder
	first     hub.SubID // its subscriptions
	expires   uint32    // when its token does, in seconds since 1970; 0: never
	transport Transport
	phase     Phase
	arrival   arrival
	pinged    bool   // a ping is unanswered
	messages  credit // sent by the client
	bytes     credit
	ticket    uint32 // of Config.Addresses, 0 for none
}

// Transport is what a session speaks.
type Transport uint8

// The transports. A connection is HTTP until its request head is complete.
const (
	HTTP Transport = iota
	WebSocket
	SSE
	Echo
	Envelope // a WebSocket of the subprotocol tickgate.v1

	transports
)

// String returns the metric label.
func (t Transport) String() string { return [...]string{"http", "ws", "sse", "echo", "envelope"}[t] }

// format returns the encoding of the messages a transport delivers.
func (t Transport) format() hub.Format {
	switch t {
	case SSE:
		return hub.SSE
	case Envelope:
		return hub.EnvelopeWS
	}
	return hub.RawWS
}

// format returns the encoding of the messages that the session is sent.
func (s *State) format() hub.Format {
	f := s.transport.format()
	if s.decoder.Deflates() {
		return packed[f]
	}
	return f
}

// packed are the formats for those who have agreed on compression.
var packed = [hub.Formats]hub.Format{hub.RawWS: hub.PackedRawWS, hub.EnvelopeWS: hub.PackedEnvelopeWS, hub.SSE: hub.SSE}

// Phase is how far a session has come.
type Phase uint8

// The phases.
const (
	Handshake Phase = iota
	Open
	Closing

	phases
)

// String returns the metric label.
func (p Phase) String() string { return [...]string{"handshake", "open", "closing"}[p] }

type conn = epoll.Conn[State]

// enter moves a session to another transport and phase and keeps the gauges right.
func (l *Loop) enter(c *conn, t Transport, p Phase) {
	s := c.State()
	l.counters.Sessions[s.transport][s.phase]--
	s.transport, s.phase = t, p
	l.counters.Sessions[t][p]++
}
