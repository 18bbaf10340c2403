// Package epoll runs event loops over non-blocking TCP sockets on Linux.
//
// A [Loop] is one goroutine, as a rule locked to its thread, that owns everything it touches: its listeners, its
// connections, its timers and its queued work. It knows no protocol. Whoever uses it supplies a [Handler],
// which is told what happened to which connection, and a small pointer-free struct S, which is stored inside
// every [Conn]. The gateway's sessions and the swarm's clients run on the same loops.
//
// Three properties carry the rest of tickgate:
//
//   - An idle connection is one fixed entry of a [Slab] and nothing else. Half-read requests and unsent bytes
//     live in side tables, and only for as long as there are any.
//   - [Loop.SendMany] hands the same immutable bytes to any number of sockets. What a socket did not take is
//     remembered as the rest of that very slice; the bytes are not copied.
//   - A slow or hostile peer can fill only its own socket buffer and its own bounded entry of a side table.
//
// The readiness part is gnet's: netpoll.Poller with its eventfd wake-up and lock-free task queue, and the socket
// package for listeners. Why gnet.Run itself is not used is told in docs/decisions/0001-own-loop-on-netpoll.md.
//
// Left to others: framing (internal/wire), what a connection means (internal/session, internal/load), and which
// message goes to whom (internal/hub).
package epoll
