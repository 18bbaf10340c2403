package publish

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"tickgate/internal/bus"
)

// Publisher is the stream. Its methods must be safe for concurrent use.
type Publisher interface {
	// PublishAsync sends a message and does not wait; see bus.Bus.PublishAsync for order and errors.
	PublishAsync(m bus.Msg) (Pending, error)
	// Epoch is the first part of message ids.
	Epoch() string
}

// Pending is a message on its way, see bus.Pending.
type Pending interface {
	// Resolved tells whether Wait would return at once.
	Resolved() bool
	// Wait returns the acknowledgement once the message is stored. It is called once.
	Wait(ctx context.Context) (bus.Ack, error)
}

// Config is what the handler needs. Publisher and Authorizer have no default.
type Config struct {
	Publisher  Publisher
	Authorizer Authorizer
	// MaxMessage is the size of the largest payload in bytes. Default: 64 KiB.
	MaxMessage int
	// MaxSingles is the number of single messages that may be on their way at a time; each holds its payload.
	// Further ones get 429. Default: 256.
	MaxSingles int
	// MaxStreams is the number of pipelines at a time; further ones get 429. Each holds Window messages and
	// WindowBytes at most, and a line. Default: 16.
	MaxStreams int
	// Window is the number of messages of a pipeline that may be without their result. Default: 4096.
	Window int
	// WindowBytes bounds the payloads of these messages; a single larger one passes alone. Default: 2 MiB.
	WindowBytes int
	// Patience is how long a client may leave results unread, and how long it may take to send a single message.
	// Default: 30 s.
	Patience time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxMessage = cmp.Or(c.MaxMessage, 64<<10)
	c.MaxSingles = cmp.Or(c.MaxSingles, 256)
	c.MaxStreams = cmp.Or(c.MaxStreams, 16)
	c.Window = cmp.Or(c.Window, 4096)
	c.WindowBytes = cmp.Or(c.WindowBytes, 2<<20)
	c.Patience = cmp.Or(c.Patience, 30*time.Second)
	return c
}

// Handler answers POST /v1/topics/{topic} and POST /v1/messages. It is safe for concurrent use.
type Handler struct {
	config  Config
	singles chan struct{} // a place for each single message on its way
	streams chan struct{} // and for each pipeline
	counts  counters
}

// New returns a handler.
func New(cfg Config) *Handler {
	cfg = cfg.withDefaults()
	return &Handler{
		config:  cfg,
		singles: make(chan struct{}, cfg.MaxSingles),
		streams: make(chan struct{}, cfg.MaxStreams),
	}
}

// Register adds the handler's pages, with patterns of http.ServeMux.
func (h *Handler) Register(handle func(pattern string, handler http.Handler)) {
	handle("POST /v1/topics/{topic}", http.HandlerFunc(h.single))
	handle("POST /v1/messages", http.HandlerFunc(h.stream))
}

// take returns a place, or false if all are taken.
func take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}
