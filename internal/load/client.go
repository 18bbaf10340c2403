package load

import (
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// client is one client's state between two events. It lives inside its epoll.Conn, has no pointers and fills exactly
// one cache line (asserted by a test); the epoll.Conn around it fills another.
type client struct {
	// Sequence, see track.go.
	newest uint64
	seen   uint32
	span   uint8

	phase clientPhase
	flags clientFlags
	// target is the index into Config.Targets.
	target uint8

	// mark is Unix nanoseconds: when the phase began; for one that is leaving, when it comes back.
	mark int64

	frames wire.Decoder    // of an open WebSocket
	events wire.SSEDecoder // of an open SSE stream

	// attempts counts the connects since the last one that lived, for the backoff.
	attempts uint8
	// retry is how long to wait after the end of the stream, in retryUnits (SSE retry:); 0: the server has no wish.
	retry uint16
	// index is the client's number in the swarm.
	index uint32
	// lastID refers to the id of the last message in the loop's idRing; 0: none.
	lastID uint32
	// place is the client's place on the roster while it is open.
	place int32
}

// retryUnit is the resolution in which a wish is kept; the longest is eleven minutes.
const retryUnit = 10 * time.Millisecond

type clientPhase uint8

const (
	dialing     clientPhase = iota // connect(2) is under way
	handshaking                    // the request is sent
	open                           // messages arrive
	leaving                        // over, but OnClose has not been called yet
)

type clientFlags uint8

const (
	flagSlow     clientFlags = 1 << iota // stops reading once connected
	flagChunked                          // the SSE stream comes in chunks
	flagBack                             // was connected before, and has not seen a message since
	flagResumed                          // named its last id when it came back
	flagReturns                          // leaving, and will come back
	flagLeaver                           // will leave for Config.Absence
	flagReturner                         // has left for it
)

type conn = epoll.Conn[client]

// renew prepares the client for its next connection.
func (c *client) renew() {
	c.phase = dialing
	c.frames, c.events = wire.Decoder{}, wire.SSEDecoder{}
	c.flags &^= flagChunked | flagReturns | flagResumed
	c.attempts = min(c.attempts+1, maxAttempts)
}

// maxAttempts is where counting ends; the backoff has reached its limit long before.
const maxAttempts = 200

// setRetry remembers the server's wish.
func (c *client) setRetry(d time.Duration) {
	c.retry = uint16(min((d+retryUnit-1)/retryUnit, 1<<16-1))
}
