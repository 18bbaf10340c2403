// Package load is the swarm's engine: it opens many WebSocket and SSE clients against any server and judges what each
// of them receives.
//
// An [Engine] is what one process contributes. It runs event loops of internal/epoll, opens its share of the clients
// at the asked-for rate, validates every handshake and frame with internal/wire, follows the sequence number of every
// message per client, measures latency from the time the message says it was due, and comes back after a disconnect
// the way the server asked for. A client is a small struct without pointers inside its epoll.Conn; a message costs no
// allocation.
//
// What an Engine has seen is read as [Stats], which add up: over loops, over processes, and travel between
// processes ([Stats.Append]). [Probe] looks at a target once, before anything is started, and says in one sentence what is wrong with it.
//
// How a sequence is judged (see [Config.Policy]):
//
//   - With several topics ([Subscription]) each client's view of each topic is judged for itself. A message of a topic that
//     the client does not have is a stray. One whose id is not above the last one on the connection, whatever the
//     topics, is counted: a client that resumed there would miss messages or get some again.
//   - The first sequence number on a connection is where the client's view begins. What was published before is none
//     of its business; messages whose time lies before the handshake are replays and have no latency.
//   - A number that is skipped counts as conflated under the policy Latest, and as lost under All. If it arrives after
//     all, it counts as reordered instead.
//   - A number seen before is a duplicate. The last 32 numbers are remembered.
//   - At the end the newest message that any client has seen (the highest number, unless times show that the feed began anew) is taken, and every client gets a few seconds to reach it.
//     One that was connected when that message was due and never reaches it has lost messages: all missing ones under
//     All, one (the newest, which conflation may never swallow) under Latest. So a tick in flight is never a loss, and
//     a client that was forgotten always is one.
//   - What was published while a client was away counts as missed, unless the topic promises everything (All) and the
//     client resumed with an id it was given: then a gap is a loss.
//
// Clients that leave together and come back ([Absence]) are counted for themselves from their return on (Stats.Returned), and
// so are the latencies of those who stay.
//
// Left to others: the command line and the processes (cmd/swarm), the server's and the kernel's prices (load/sample),
// the report (load/report).
package load
