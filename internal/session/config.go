package session

import (
	"cmp"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/forwarded"
	"tickgate/internal/hub"
)

// Config is what the sessions of a process share. Zero durations and sizes mean the defaults, except where 0 is said
// to mean something else.
type Config struct {
	// Hub has the topics.
	Hub *hub.Hub
	// DefaultTopic is what a client that names no topic subscribes to.
	DefaultTopic string
	// Echo serves /echo, which sends every message back: for conformance suites.
	Echo bool

	// Compress lets WebSocket clients agree on compressed messages (permessage-deflate without context takeover). It does not hold for /echo.
	Compress bool

	// Access says who may open a session. Default: everybody.
	Access Access

	// HeaderBytes bounds a request head. Default 8 KiB.
	HeaderBytes int
	// HeaderTimeout bounds the time from the connect to the complete request head. Default 5 s.
	HeaderTimeout time.Duration
	// HandshakeBacklog is the number of connections per loop that may be without a complete request head. Beyond it
	// new ones wait in the kernel's accept queue: turning them away would make an EventSource give up for good.
	// Default 16,384.
	HandshakeBacklog int
	// MaxInbound bounds a message from a client, in bytes. Default 64 KiB.
	MaxInbound int
	// MaxInboundRate bounds the messages and control frames from a client, a second; after a rest of 5 s, five times as many may come at
	// once. 0 is no bound. A WebSocket client that sends more is closed with 1008. It does not hold for /echo.
	MaxInboundRate int
	// MaxInboundBytes likewise bounds the bytes, those of event streams' clients included; a message of MaxInbound fits in any case.
	MaxInboundBytes int
	// MaxTopics bounds the topics and patterns that a request may name, repeated ones included; more get 400. Default 64.
	MaxTopics int
	// Heartbeat is how long a connection may be silent in both directions before it is sent a ping or an SSE comment.
	// 0 sends none.
	Heartbeat time.Duration
	// WriteTimeout is how long a socket may take nothing while bytes wait for it; then the client is evicted with a
	// reset. 0 never evicts.
	WriteTimeout time.Duration

	// Addresses bounds the connections of each address; nil does not. All loops share it.
	Addresses Addresses
	// Proxies says whose word is taken for a client's address.
	Proxies Proxies
	// CommandTime is how long a command of an envelope client may take from its first part to its last. Default 30 s.
	CommandTime time.Duration
	// Publishing says who may publish by envelope. Default: nobody.
	Publishing Publishing

	// Watcher is told of the loop's passes; nil is not. It belongs to one loop.
	Watcher hub.Watcher

	// Sockets configures the event loops. The package sets MaxPending, MaxLeftover and Refusal itself.
	Sockets epoll.Config
}

const (
	defaultHeaderBytes      = 8 << 10
	defaultHeaderTimeout    = 5 * time.Second
	defaultHandshakeBacklog = 16 << 10
	defaultCommandTime      = 30 * time.Second
	defaultMaxInbound       = 64 << 10
	defaultMaxTopics        = 64

	// maxPending bounds what is copied for one connection whose socket is full: an answer, gap notices, a read's pongs,
	// the answers to commands and a close frame. An /echo session may have one read's worth on its way back.
	maxPending     = 8 << 10
	maxPendingEcho = 256 << 10
	// maxPongs is how many bytes of pongs one read of a raw session may call for before older ones give way. It is half
	// of maxPending, and 32 pongs of full length.
	maxPongs = maxPending / 2
	// pongTimeout is how long a pinged client may take to send anything, at most the heartbeat's length.
	pongTimeout = 10 * time.Second
)

func (c Config) withDefaults() Config {
	orInt(&c.HeaderBytes, defaultHeaderBytes)
	orInt(&c.HandshakeBacklog, defaultHandshakeBacklog)
	orInt(&c.MaxInbound, defaultMaxInbound)
	orInt(&c.MaxTopics, defaultMaxTopics)
	orInt(&c.Publishing.MaxFlying, defaultMaxFlying)
	c.HeaderTimeout = cmp.Or(c.HeaderTimeout, defaultHeaderTimeout)
	c.CommandTime = cmp.Or(c.CommandTime, defaultCommandTime)
	c.Sockets.MaxPending = maxPending
	if c.Echo {
		c.Sockets.MaxPending = maxPendingEcho
	}
	// An incomplete head is at most HeaderBytes, an incomplete control frame 131.
	c.Sockets.MaxLeftover = max(c.HeaderBytes, 256)
	if c.Proxies.Protocol {
		c.Sockets.MaxLeftover = max(c.Sockets.MaxLeftover, forwarded.MaxHeader)
	}
	return c
}

func orInt(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}
