// Package wire translates between bytes and tickgate's protocols: HTTP/1.1 request and response heads (RFC 9112),
// the WebSocket handshake and frames (RFC 6455) and Server-Sent Events (WHATWG HTML §9.2).
//
// It is made of pure functions and small pointer-free decoders. It does no I/O, reads no clock, draws no random
// numbers, keeps no buffer between calls and starts no goroutine: who calls it owns every byte. Reading, writing,
// deadlines and what a message means are left to the event loops, the sessions and the hub.
//
// Encoders are called AppendX: they append to dst and return the longer slice, like the built-in append.
// Decoders are pushed: they are handed what has arrived, say how much of it they consumed, and expect the rest back
// in front of what arrives next. However the input is cut into pieces, the outcome is the same.
//
// Unless said otherwise functions are safe for concurrent use, as long as no two calls share a slice that one of
// them writes to, and errors are shared, immutable values that must not be modified.
package wire
