// Package session is one client's life: handshake, open, closing. It turns the bytes of a connection into calls of
// the hub, and the hub's messages into sends on the connection.
//
// A [Loop] is one event loop (internal/epoll) with everything the sessions on it share: the fan-out of the hub, the
// scratch buffers and the counters. What a session owns itself is a [State] of 48 bytes inside its connection's slab
// entry: the frame decoder, its first subscription, and what phase it is in. An idle session holds no buffer and no
// pointer.
//
// A WebSocket speaks raw (frames that hold payloads) or, with the subprotocol tickgate.v1, in envelopes: then the client
// may also send commands, and what a session needs for these is kept beside the connections, see envelopes.
//
// The package decides what an answer is and when a client has to go; how bytes look is internal/wire's, how they reach
// a socket is internal/epoll's, what commands and answers say is internal/envelope's, and what is delivered to whom is
// internal/hub's. Where clients' messages go is up to a [Publisher].
package session
