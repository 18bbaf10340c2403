package bus

import (
	"errors"
	"log/slog"
	"time"
)

// Config says where the stream lives and what bounds it. The zero value is an embedded server that keeps the
// stream in memory and does not listen.
type Config struct {
	// URLs are the servers of an external NATS system; a user and password, or a token, may be part of
	// them. Empty: a server is embedded.
	URLs []string
	// Access is what the external servers ask for beyond what URLs hold.
	Access Access
	// Dir is the directory of the embedded server's files; it is created if need be and locked against
	// other processes. Empty: the stream is kept in memory and ends with the process.
	Dir string
	// SyncEvery is how often the embedded server calls fsync on its files. What it has acknowledged
	// survives the death of the process in any case, and a power failure after this time. Default: 1 s.
	SyncEvery time.Duration
	// SyncAlways acknowledges a message only once fsync has put it on the disk, so that what has been
	// acknowledged survives a power failure. One fsync serves all messages that wait. It needs Dir.
	SyncAlways bool

	// Listen lets other processes of this machine connect to the embedded server, through Endpoint.
	Listen bool
	// Port is the port on the loopback interface to listen on. Default: a free one.
	Port int
	// Token is what connections to the embedded server must show. Default: a random one.
	Token string

	// MaxBytes bounds the stream; the oldest messages go first. Default: 64 MiB in memory, else 1 GiB.
	// An external stream that exists already keeps the limits it has.
	MaxBytes int64
	// MaxMessages bounds the stream likewise. Default: 1,000,000.
	MaxMessages int64
	// MaxAge bounds the age of messages. Default: no bound.
	MaxAge time.Duration
	// MaxPayload is the size of the largest payload in bytes. Default: 64 KiB.
	MaxPayload int
	// Window is how long the stream remembers message ids, so that a repeated one is stored once. Each
	// takes about 100 bytes of memory for that long. An external stream that exists already keeps the window
	// it has. Default: 2 minutes.
	Window time.Duration
	// Replicas is the number of servers of an external cluster that keep a copy of the stream, if this
	// process is the one that creates it. Default: 3 in a cluster, and 1 where there is a single server. Fewer
	// servers than copies are an error and no reason to make fewer, for the stream would stay like that.
	Replicas int
	// MaxPending is the number of messages that may wait for their acknowledgement at a time; further
	// ones are refused with ErrOverloaded. Default: 1024.
	MaxPending int

	// Logger gets what an operator must know: lost and restored connections, trouble of the server.
	// Default: slog.Default().
	Logger *slog.Logger
}

const (
	defaultSyncEvery   = time.Second
	defaultMaxMemory   = 64 << 20
	defaultMaxFile     = 1 << 30
	defaultMaxMessages = 1_000_000
	defaultMaxPayload  = 64 << 10
	defaultWindow      = 2 * time.Minute
	defaultMaxPending  = 1024
)

// withDefaults returns the configuration with every zero value replaced.
func (c Config) withDefaults() Config {
	maxBytes := int64(defaultMaxMemory)
	if c.Dir != "" || len(c.URLs) > 0 {
		maxBytes = defaultMaxFile
	}
	orDefault(&c.SyncEvery, defaultSyncEvery)
	orDefault(&c.MaxBytes, maxBytes)
	orDefault(&c.MaxMessages, defaultMaxMessages)
	orDefault(&c.MaxPayload, defaultMaxPayload)
	orDefault(&c.Window, defaultWindow)
	orDefault(&c.MaxPending, defaultMaxPending)
	if c.MaxAge > 0 { // JetStream refuses a window that outlasts the messages
		c.Window = min(c.Window, c.MaxAge)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func orDefault[T int | int64 | time.Duration](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

func (c Config) validate() error {
	if len(c.URLs) > 0 && (c.Dir != "" || c.Listen) {
		return errors.New("open bus: Dir and Listen belong to the embedded server, URLs to an external one: choose one")
	}
	if c.SyncAlways && c.Dir == "" {
		return errors.New("open bus: SyncAlways needs Dir: there are no files to sync otherwise")
	}
	return nil
}
