// Package iomodel has two other ways to serve tickgate's public endpoints, for comparison only: gnet's own engine, and
// net/http with goroutines. They answer what `gateway --io gnet` and `gateway --io goroutine` are there to ask: what an
// event loop of our own (internal/epoll, internal/session) buys over a good library, and what "a goroutine per client"
// costs. Nobody should run a service on them.
//
// Both serve /ws (raw mode) and /sse with the bytes of the wire protocol, from the same hub, the same frames encoded once
// and the same socket options, and both keep to the policy latest: a client that fell behind gets the newest message.
// They carry only what a comparison needs. Left out are: topics other than the default one, resuming from an id, /echo,
// the subprotocol, HEAD and OPTIONS, and per-loop numbers. A client that asks to resume starts with the newest message.
//
// Each is meant to be what a competent user of its library would write, and shows its library's limits as they are:
//
//   - gnet: one task per event loop and message, which writes to all clients of the loop in one go; tasks cannot be
//     sliced, because gnet empties its task queue before it polls again. What the kernel does not take is copied into the
//     connection's buffer. There is no event for "writable again", so a client that missed a message waits for the next
//     one or for the sweep, within a second. Accepting cannot be stopped, so a drain answers newcomers with 503. The
//     engine ends when an accept fails, as it does once descriptors run out.
//   - goroutine: net/http, a handler that flushes for /sse, and gobwas/ws behind a hijack with a reader and a writer
//     goroutine for /ws. Each subscriber has a channel of depth one, in which a newer message replaces one that nobody
//     took. It writes Date and its own order of fields into response heads, and answers 431 and header timeouts as
//     net/http does.
package iomodel
