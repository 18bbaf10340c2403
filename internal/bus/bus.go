package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Endpoint is where a process finds a bus that another one owns.
type Endpoint struct {
	URL   string `json:"url"` // several are separated by commas
	Token string `json:"token"`
	// Access is what external servers ask for beyond what URL holds.
	Access Access `json:"access"`
	// External says that the servers are no gateway's own, and outlive it.
	External bool `json:"external,omitempty"`
	// SyncDir is the data directory if every acknowledgement waits for fsync, see Config.SyncAlways.
	SyncDir string `json:"sync_dir,omitempty"`
}

// Bus is a connection to the stream, with the server behind it if that is embedded. All methods are safe for
// concurrent use.
type Bus struct {
	// immutable after Open and Connect
	conn       *nats.Conn
	js         jetstream.JetStream
	restore    streamFunc // makes an external stream exist, nil if that is another process's task
	stream     jetstream.Stream
	server     *embedded // nil if it is another process
	endpoint   Endpoint
	maxPayload int
	name       string     // begins the ids of messages that have none
	commits    *committer // nil if acknowledgements do not wait for fsync
	log        *slog.Logger

	outbox *outbox
	named  atomic.Uint64 // counts the messages that got an id
	health health
	epoch  atomic.Pointer[string]

	done      chan struct{} // closed when the bus has failed or been closed
	verifying atomic.Bool   // verify is running
	look      chan struct{} // wakes watch; nil if the server is a gateway's own

	subscriptions sync.Map // *Subscription → nil: those that have not ended

	mu  sync.Mutex
	err error // guarded by mu; why done is closed
}

// Open opens the bus: it starts the embedded server or connects to the external one, and makes sure that the
// stream exists. The context bounds the opening only.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	b := newBus(cfg.Logger)
	b.maxPayload = cfg.MaxPayload
	b.endpoint = Endpoint{URL: strings.Join(cfg.URLs, ","), Token: cfg.Token, Access: cfg.Access, External: true}
	connect := b.dialer(b.endpoint)
	if len(cfg.URLs) == 0 {
		var err error
		if b.server, err = startServer(ctx, cfg, b.fail); err != nil {
			return nil, err
		}
		b.endpoint = b.server.endpoint()
		if cfg.SyncAlways {
			b.endpoint.SyncDir = cfg.Dir
		}
		connect = b.dialer(Endpoint{Token: b.server.token}, nats.InProcessServer(b.server.nats))
	}
	find := func(ctx context.Context) (jetstream.Stream, error) { return ensure(ctx, b.js, cfg) }
	if len(cfg.URLs) > 0 {
		b.restore = find
		find = b.patiently(find)
	}
	err := b.open(ctx, connect, cfg.MaxPending, find)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Connect opens a bus that another process owns, as that process's Bus.Endpoint tells. The context bounds the
// opening only; a connection that is lost later is restored for as long as it takes.
func Connect(ctx context.Context, e Endpoint) (*Bus, error) {
	b := newBus(slog.Default())
	b.endpoint = e
	err := b.open(ctx, b.dialer(e), defaultMaxPending, func(ctx context.Context) (jetstream.Stream, error) {
		return b.js.Stream(ctx, Stream)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

func newBus(log *slog.Logger) *Bus {
	return &Bus{log: log, done: make(chan struct{}), name: "tickgate-" + rand.Text()[:12] + "-"}
}

type (
	dialFunc   func() (*nats.Conn, error)
	streamFunc func(context.Context) (jetstream.Stream, error)
)

// open connects and finds the stream. It leaves nothing behind if it fails.
func (b *Bus) open(ctx context.Context, dial dialFunc, maxPending int, find streamFunc) (err error) {
	defer func() {
		if err != nil {
			_ = b.Close()
		}
	}()
	b.outbox = newOutbox(b, maxPending)
	if b.endpoint.External {
		b.look = make(chan struct{}, 1)
	}
	if b.conn, err = dial(); err != nil {
		return err
	}
	if b.maxPayload == 0 {
		b.maxPayload = int(b.conn.MaxPayload()) - maxHeaders
	}
	b.js, err = jetstream.New(b.conn,
		jetstream.WithPublishAsyncMaxPending(maxPending+reservedPlaces+1), // the outbox counts, and one more is never reached
		jetstream.WithPublishAsyncTimeout(ackPatience),
		jetstream.WithPublishAsyncAckHandler(b.acknowledged),
		jetstream.WithPublishAsyncErrHandler(b.refused))
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	if b.stream, err = find(ctx); err != nil {
		return fmt.Errorf("open stream %s: %w", Stream, explain(err))
	}
	b.adopt(b.stream.CachedInfo())
	if err = b.startCommits(); err != nil {
		return err
	}
	if b.endpoint.External {
		go b.watch()
	}
	return ctx.Err()
}

// Epoch returns the stream's epoch, the first part of message ids. It is the same on all nodes, and over
// restarts as long as the stream exists. It changes when an external stream is made anew.
func (b *Bus) Epoch() string {
	if epoch := b.epoch.Load(); epoch != nil {
		return *epoch
	}
	return "" // the connection broke while the bus was opened
}

// Endpoint returns where other processes can Connect to the stream, the external servers if there are any. It is
// the zero value if an embedded server does not listen. It holds a secret.
func (b *Bus) Endpoint() Endpoint { return b.endpoint }

// Ready returns nil if messages can be published and received at the moment, and why not otherwise.
func (b *Bus) Ready() error {
	if err := b.Err(); err != nil {
		return err
	}
	if status := b.conn.Status(); status != nats.CONNECTED {
		return fmt.Errorf("%w: connection to %s is %s", ErrUnavailable, redact(b.endpoint.URL), strings.ToLower(status.String()))
	}
	if err := b.health.stream.Load(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err.err)
	}
	return nil
}

// Done is closed when the bus has failed for good, or has been closed; Err tells why. A connection that is lost
// is no failure: it is restored.
func (b *Bus) Done() <-chan struct{} { return b.done }

// Err returns nil until Done is closed. Then it returns a *StorageError, ErrStreamLost or ErrClosed.
func (b *Bus) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// fail ends the bus with the first reason given.
func (b *Bus) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		close(b.done)
	}
}

// Close ends all subscriptions, the connection and the embedded server. Messages that wait for their
// acknowledgement are answered with ErrClosed.
func (b *Bus) Close() error {
	b.fail(ErrClosed)
	// Not js.CleanupPublisher: it takes the channel away that a goroutine of its own may not have begun to read, which
	// then never ends (nats.go v1.55.0). Closing the connection ends it.
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.stop()
	}
	return nil
}

// State is what the stream holds.
type State struct {
	// First and Last are the sequences of the oldest and the newest message. Last is First-1 if there is none.
	First, Last uint64
	// Bytes is the size of all messages in the stream's storage.
	Bytes uint64
}

// State asks the stream for its state.
func (b *Bus) State(ctx context.Context) (State, error) {
	info, err := b.stream.Info(ctx)
	if err != nil {
		return State{}, fmt.Errorf("look at stream %s: %w", Stream, err)
	}
	s := State{First: info.State.FirstSeq, Last: info.State.LastSeq, Bytes: info.State.Bytes}
	if info.State.Msgs == 0 {
		s.First = s.Last + 1
	}
	return s, nil
}

// Bounds returns the sequences of the oldest and the newest message in the stream; last is first-1 if it is
// empty.
func (b *Bus) Bounds(ctx context.Context) (first, last uint64, err error) {
	s, err := b.State(ctx)
	return s.First, s.Last, err
}

func (b *Bus) disconnected(_ *nats.Conn, err error) {
	if b.Err() == nil {
		b.health.line.Store(&trouble{err: errors.New("the connection to NATS is lost"), since: time.Now(), limit: outagePatience})
		b.log.Warn("connection to the bus lost", "error", err)
	}
}

// reconnected looks whether the server still has the same stream, and makes the subscriptions start again:
// what was on its way when the connection broke is lost.
func (b *Bus) reconnected(c *nats.Conn) {
	b.health.line.Store(nil)
	b.log.Info("connection to the bus restored", "server", c.ConnectedServerName())
	go b.verify()
	b.subscriptions.Range(func(s, _ any) bool {
		s.(*Subscription).interrupt()
		return true
	})
}

func (b *Bus) trouble(_ *nats.Conn, _ *nats.Subscription, err error) {
	if b.Err() == nil && !errors.Is(err, nats.ErrConnectionClosed) {
		b.log.Warn("trouble with the bus", "error", err)
	}
}
