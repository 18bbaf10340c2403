package load

import (
	"fmt"
	"net/netip"
	"time"

	"tickgate/internal/wire"
)

// Policy is what the topic promises to a client that falls behind.
type Policy uint8

// The delivery policies.
const (
	Latest Policy = iota // the newest message; older ones may be skipped
	All                  // every message in order
)

// ParsePolicy reads "latest" or "all".
func ParsePolicy(s string) (Policy, error) {
	switch s {
	case "latest":
		return Latest, nil
	case "all":
		return All, nil
	}
	return 0, fmt.Errorf("policy %q: want latest or all", s)
}

// Envelope is the subprotocol in which a message names its topic and id, and commands subscribe.
const Envelope = wire.Subprotocol

// Config is what one engine does. It has exported fields only and travels to worker processes as JSON.
type Config struct {
	// Who connects.
	Targets []Target // resolved, at least one
	Mix     Mix      // shares of the transports; a transport without a target gets nobody
	Total   int      // clients of the whole swarm, which the shares and the slow ones are dealt from
	First   int      // this engine's clients are First to First+Count-1 of them
	Count   int
	Sources []netip.Addr // taken in turn; none leaves the source to the kernel
	Loops   int          // event loops, default 1
	RcvBuf  int          // SO_RCVBUF in bytes, 0 leaves it to the kernel
	// Coalesce is how long an idle loop waits for more messages before it reads the first (epoll.Config). It is part of
	// every latency, and of Stats.Lag.
	Coalesce time.Duration

	// How they behave.
	Rate        float64       // connects per second of this engine; 0 is all at once
	Timeout     time.Duration // for connect and handshake together, default 10 s
	Slow        int           // of Total, how many stop reading once they are connected
	Churn       float64       // clients per second of this engine that leave and return, from Engine.Hold on
	NoReconnect bool          // who is disconnected stays away
	Absence     Absence       // some leave together and come back
	Send        string        // sent by every WebSocket client once it is connected
	Subprotocol string        // Sec-WebSocket-Protocol
	Subscription
	Headers []string // "Name: value", added to every request

	// What they check.
	TimeField  string // dotted path of a message's time; empty: none
	SeqField   string // dotted path of its sequence number; empty: none
	IDField    string // dotted path of its id, for resuming a WebSocket; empty: none, but with tickgate.v1 its "id"
	Policy     Policy
	MaxMessage int64 // longest message in bytes, default 1 MiB
}

const (
	defaultTimeout    = 10 * time.Second
	defaultMaxMessage = 1 << 20
	// slowRcvBuf is the receive buffer of clients that do not read. Small, so that it is the server that has to deal
	// with them and not this machine's memory.
	slowRcvBuf = 4 << 10
)

func (c Config) withDefaults() Config {
	c.Loops = max(c.Loops, 1)
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = defaultMaxMessage
	}
	if c.IDField == "" && c.Subprotocol == wire.Subprotocol {
		c.IDField = "id"
	}
	if c.PerClient == 0 {
		c.PerClient = 1
	}
	return c
}

// slow reports whether client i of all stops reading: evenly spread over the swarm.
func (c *Config) slow(i int) bool {
	return c.Total > 0 && i*c.Slow/c.Total != (i+1)*c.Slow/c.Total
}
