package iomodel

import (
	"log/slog"
	"time"

	"tickgate/internal/hub"
)

// Config is what a server needs to know. Zero durations and sizes mean the defaults, except where 0 is said to mean
// something else. Settings mean what they mean to internal/session and internal/epoll.
type Config struct {
	// Hub has the topics.
	Hub *hub.Hub
	// DefaultTopic is the only topic there is.
	DefaultTopic string
	// MaxConns bounds the open sessions; beyond it requests are answered with 503. 0 is no bound.
	MaxConns int
	// Loops is the number of gnet's event loops. Default: one per CPU.
	Loops int

	// HeaderBytes bounds a request head. Default 8 KiB; net/http allows 4 KiB more.
	HeaderBytes int
	// HeaderTimeout bounds the time from the connect to the complete request head. Default 5 s.
	HeaderTimeout time.Duration
	// MaxInbound bounds a message from a client, in bytes. Default 64 KiB.
	MaxInbound int
	// Heartbeat is how long a connection may be silent in both directions before it is sent a ping or an SSE comment.
	// 0 sends none.
	Heartbeat time.Duration
	// WriteTimeout is how long a socket may take nothing while bytes wait for it. 0 never evicts.
	WriteTimeout time.Duration
	// Linger is how long a client may take to close, or to take what is left for it, after it has been told to go.
	// Default 5 s.
	Linger time.Duration

	// SndBuf is SO_SNDBUF in bytes. 0 leaves it to the kernel.
	SndBuf int
	// NotSentLowat is TCP_NOTSENT_LOWAT in bytes. 0 leaves it to the kernel.
	NotSentLowat int
	// UserTimeout is TCP_USER_TIMEOUT. 0 leaves it to the kernel.
	UserTimeout time.Duration

	// Log gets what the libraries log. Default: slog.Default.
	Log *slog.Logger
}

const (
	defaultHeaderBytes   = 8 << 10
	defaultHeaderTimeout = 5 * time.Second
	defaultMaxInbound    = 64 << 10
	defaultLinger        = 5 * time.Second

	// pongTimeout is how long a pinged client may take to send anything, at most the heartbeat's length.
	pongTimeout = 10 * time.Second
)

func (c Config) withDefaults() Config {
	if c.HeaderBytes == 0 {
		c.HeaderBytes = defaultHeaderBytes
	}
	if c.HeaderTimeout == 0 {
		c.HeaderTimeout = defaultHeaderTimeout
	}
	if c.MaxInbound == 0 {
		c.MaxInbound = defaultMaxInbound
	}
	if c.Linger == 0 {
		c.Linger = defaultLinger
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// pongPatience returns how long to wait for the answer to a ping.
func (c *Config) pongPatience() time.Duration { return min(c.Heartbeat, pongTimeout) }
