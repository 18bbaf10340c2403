package iomodel

import (
	"fmt"
	"time"
)

// The kinds of servers.
const (
	Gnet      = "gnet"
	Goroutine = "goroutine"
)

// Server serves /ws and /sse until it is stopped. But for Listen and Run, which come first and once each in this order,
// its methods are safe for concurrent use.
type Server interface {
	// Listen makes the server take connections on addr, beside other servers and processes that do (SO_REUSEPORT). The
	// port must not be 0: the server may have several listeners.
	Listen(addr string) error
	// Run serves until Stop and returns when all sessions have ended. It returns an error if the server ended by itself.
	Run() error
	// Stop ends Run. What is still open then is closed.
	Stop()
	// Drain sends everybody away over the time d, with a hint when to come back. It returns at once; see Open.
	Drain(d time.Duration)
	// Snapshot returns the counters as of now. Counters that belong together may be some events apart.
	Snapshot() Snapshot
	// Open returns the number of open connections.
	Open() int
}

// New returns the server of a kind, Gnet or Goroutine.
func New(kind string, cfg Config) (Server, error) {
	c := newCore(cfg)
	if c.topic == nil {
		return nil, fmt.Errorf("I/O model %s: the hub has no room for topic %q", kind, cfg.DefaultTopic)
	}
	switch kind {
	case Gnet:
		return newEngine(c), nil
	case Goroutine:
		return newNetServer(c), nil
	}
	return nil, fmt.Errorf("unknown I/O model %q, there are %s and %s", kind, Gnet, Goroutine)
}
