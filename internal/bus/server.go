package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is a nats-server in this process.
type embedded struct {
	nats   *server.Server
	token  string
	listen bool
	lock   *os.File // holds the data directory, nil without one
	temp   string   // stands in for a data directory, empty if there is one
}

const (
	// startPatience bounds the time for the server to recover a stream; 1 GiB takes seconds.
	startPatience = 2 * time.Minute
	// startPoll is how long to wait for it before looking for other news.
	startPoll = 50 * time.Millisecond
)

// startServer starts a server; failed is called with what makes it useless later on.
func startServer(ctx context.Context, cfg Config, failed func(error)) (*embedded, error) {
	e := &embedded{token: cfg.Token, listen: cfg.Listen}
	if e.token == "" {
		e.token = rand.Text()
	}
	dir, err := e.takeDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if e.nats, err = server.NewServer(e.options(cfg, dir)); err != nil {
		e.release()
		return nil, fmt.Errorf("embed nats-server: %w", err)
	}
	fatal := make(chan error, 1)
	e.nats.SetLoggerV2(&serverLog{log: cfg.Logger, dir: cfg.Dir, fatal: fatal, failed: failed}, false, false, false)
	if err := e.start(ctx, fatal); err != nil {
		e.stop()
		return nil, fmt.Errorf("start embedded nats-server: %w", err)
	}
	return e, nil
}

// takeDir returns the directory that the server is to use.
func (e *embedded) takeDir(dir string) (string, error) {
	var err error
	if dir != "" {
		e.lock, err = lockDir(dir)
		return dir, err
	}
	// A server that keeps everything in memory wants a directory all the same, and a private one, for it
	// would take what it finds there for its own.
	e.temp, err = os.MkdirTemp("", "tickgate-bus-")
	if err != nil {
		return "", fmt.Errorf("embed nats-server: %w", err)
	}
	return e.temp, nil
}

func (e *embedded) options(cfg Config, dir string) *server.Options {
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName:    "tickgate",
		Host:          "127.0.0.1",
		Port:          port,
		DontListen:    !cfg.Listen,
		Authorization: e.token,
		AuthTimeout:   handshakeTimeout.Seconds(),
		MaxConn:       maxConns,
		MaxPayload:    int32(cfg.MaxPayload + maxHeaders),
		MaxPending:    maxPendingBytes,
		NoSigs:        true,

		JetStream:              true,
		DisableJetStreamBanner: true,
		StoreDir:               dir,
		SyncInterval:           cfg.SyncEvery,
		// Both must be set, or the server replaces the lot, the interval included, by its own guesses.
		JetStreamMaxMemory: noLimit,
		JetStreamMaxStore:  noLimit,
	}
}

const (
	// maxConns is the number of connections to the embedded server: this process and its workers, with
	// two generations of them during a restart; 1024 workers are more than descriptors ever ask for.
	maxConns = 2 * 1024
	// maxHeaders is the room for NATS headers beside a payload: an event type and a message id.
	maxHeaders = 4 << 10
	// maxPendingBytes bounds what the server holds for one connection that does not read. Consumers
	// request messages in batches, so that it is reached by broken ones only.
	maxPendingBytes = 16 << 20
	// noLimit leaves it to the stream's own limit, Config.MaxBytes, which drops the oldest messages; at the
	// server's limit it would refuse new ones.
	noLimit = 1 << 50
)

// start waits until the server is ready. It reports what the server would take for fatal by itself.
func (e *embedded) start(ctx context.Context, fatal <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	go e.nats.Start()
	for ready := false; !ready; {
		select {
		case err := <-fatal:
			return err
		case <-ctx.Done():
			return ctx.Err()
		default:
			ready = e.nats.ReadyForConnections(startPoll)
		}
	}
	if e.temp != "" {
		// Nothing is written to it from here on; without it a killed process leaves nothing behind.
		return os.RemoveAll(e.temp)
	}
	return nil
}

// endpoint returns where other processes find the server, the zero value if it does not listen.
func (e *embedded) endpoint() Endpoint {
	addr, ok := e.nats.Addr().(*net.TCPAddr)
	if !e.listen || !ok {
		return Endpoint{}
	}
	return Endpoint{URL: "nats://" + addr.String(), Token: e.token}
}

// stop ends the server and gives its directory free. Everything acknowledged is in the files.
func (e *embedded) stop() {
	e.nats.Shutdown()
	e.nats.WaitForShutdown()
	e.release()
}

func (e *embedded) release() {
	var errs []error
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	if e.temp != "" {
		errs = append(errs, os.RemoveAll(e.temp))
	}
	_ = errors.Join(errs...) // nobody can do anything about a lock or an empty directory that stays
}
