package iomodel

import "tickgate/internal/hub"

// transport is what a connection speaks. It is plainHTTP until its request has been answered with a stream.
type transport uint8

const (
	plainHTTP transport = iota
	webSocket
	eventStream

	transports
)

// String returns the metric label.
func (t transport) String() string { return [...]string{"http", "ws", "sse"}[t] }

// format returns the encoding of the messages that a transport delivers.
func (t transport) format() hub.Format {
	if t == eventStream {
		return hub.SSE
	}
	return hub.RawWS
}

// route returns the transport of a path, plainHTTP if there is none.
func route(path string) transport {
	switch path {
	case "/ws":
		return webSocket
	case "/sse":
		return eventStream
	}
	return plainHTTP
}

// state is how far a connection has come.
type state uint8

const (
	handshake state = iota
	open
	closing

	states
	gone = states // closed; counted nowhere any more
)

// String returns the metric label.
func (s state) String() string { return [...]string{"handshake", "open", "closing"}[s] }

// reason is why a session ended.
type reason uint8

const (
	none reason = iota
	peerClosed
	peerReset
	clientClosed
	protocolError
	invalidData
	tooBig
	headerTimeout
	pingTimeout
	writeTimeout
	refused
	restart
	stopped

	reasons
)

// String returns the metric label, the one that internal/session has for the same reason.
func (r reason) String() string {
	return [...]string{
		"none", "peer_closed", "peer_reset", "client_closed", "protocol_error", "invalid_data", "too_big",
		"header_timeout", "ping_timeout", "write_timeout", "refused", "restart", "stopped",
	}[r]
}
