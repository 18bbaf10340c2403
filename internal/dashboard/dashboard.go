package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ProcessPath is where every process serves its Process.
const ProcessPath = "/stats"

// Config is what a Dashboard shows, and where it gets it.
type Config struct {
	// Gather requests a path from all processes and returns their answers in the order to show them.
	Gather func(ctx context.Context, path string) []Answer
	// Public is the address of the public listener, host:port, whose default topic is shown as a price.
	Public string
	// FanoutBounds are the bounds of a snapshot's Fanout.Duration.
	FanoutBounds []time.Duration
	// Version is the gateway's.
	Version string
	// ProcRoot is where to read what the kernel tells; default /proc.
	ProcRoot string
	// Log gets what goes wrong, at level debug; nil discards it.
	Log *slog.Logger
}

// Dashboard takes the samples and serves the page. All methods are safe for concurrent use.
type Dashboard struct {
	config  Config            // immutable
	files   map[string]*asset // immutable
	history *history
	tail    *tail
	streams atomic.Int32 // open ones

	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// New returns a Dashboard that takes a sample every five seconds, every second while a page is open. It must be stopped.
func New(cfg Config) (*Dashboard, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.ProcRoot == "" {
		cfg.ProcRoot = "/proc"
	}
	files, err := readAssets()
	if err != nil {
		return nil, fmt.Errorf("read the dashboard's files: %w", err)
	}
	d := &Dashboard{config: cfg, files: files, history: newHistory()}
	d.tail = newTail(cfg.Public, d.history)
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.ended.Go(func() { d.sampling(ctx) })
	d.ended.Go(func() { d.tail.run(ctx) })
	return d, nil
}

// Register adds the page, its files and its samples to a listener.
func (d *Dashboard) Register(handle func(pattern string, h http.Handler)) {
	handle("GET /{$}", d.files["index.html"])
	handle("GET /dashboard/{file...}", http.HandlerFunc(d.file))
	handle("GET /v1/stats", http.HandlerFunc(d.newest))
	handle("GET /v1/stats/stream", http.HandlerFunc(d.stream))
}

func (d *Dashboard) file(w http.ResponseWriter, r *http.Request) {
	file := d.files[r.PathValue("file")]
	if file == nil {
		http.NotFound(w, r)
		return
	}
	file.ServeHTTP(w, r)
}

// Stop ends the samples and the stream of prices and waits for both. Streams to pages end with their requests.
func (d *Dashboard) Stop() {
	d.cancel()
	d.ended.Wait()
}
