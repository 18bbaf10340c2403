package flight

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what to keep and where to write it. Zero values mean the defaults.
type Config struct {
	// Dir is where files go; it is made if it is missing.
	Dir string
	// Process is part of the files' names and tells the files of processes that share Dir apart: letters, digits and -.
	Process string
	// Window is how far back the trace reaches at least, as long as Memory is enough. Default 5 s.
	Window time.Duration
	// Memory is about how many bytes of trace are kept in memory, and so the size of a file. Default 16 MiB.
	Memory uint64
	// Files is how many files this process leaves in Dir; the oldest are removed. Default 10.
	Files int
	// Every is the least time between two files. Default 1 min.
	Every time.Duration
	// Log is told of files and of failures; nil discards.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Window == 0 {
		c.Window = 5 * time.Second
	}
	if c.Memory == 0 {
		c.Memory = 16 << 20
	}
	if c.Files == 0 {
		c.Files = 10
	}
	if c.Every == 0 {
		c.Every = time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Recorder is a running flight recorder; the runtime allows one per process. Its methods are safe for concurrent use.
type Recorder struct {
	cfg    Config
	flight *trace.FlightRecorder
	orders chan string   // why to write files
	passed atomic.Uint64 // occasions without a file since the last one
	quit   chan struct{} // closed by Stop
	ended  sync.WaitGroup
	stop   sync.Once
}

// processName is what may be in a file's name.
var processName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// Start begins to record.
func Start(cfg Config) (*Recorder, error) {
	cfg = cfg.withDefaults()
	if !processName.MatchString(cfg.Process) {
		return nil, fmt.Errorf("flight recorder: process name %q: want letters, digits and -", cfg.Process)
	}
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("flight recorder: %w", err)
	}
	r := &Recorder{
		cfg: cfg, orders: make(chan string, 1), quit: make(chan struct{}),
		flight: trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: cfg.Window, MaxBytes: cfg.Memory}),
	}
	if err := r.flight.Start(); err != nil {
		return nil, fmt.Errorf("flight recorder: %w", err)
	}
	r.ended.Go(r.serve)
	return r, nil
}

// Dump asks for a file of what has happened up to now and does not wait for it. why becomes part of its name; characters
// that do not belong there become -. A call too soon after the last file, or while one is being written, is a Pass.
func (r *Recorder) Dump(why string) {
	select {
	case r.orders <- why:
	default:
		r.Pass()
	}
}

// Pass counts an occasion that leaves no file. The log tells the number with the next file.
func (r *Recorder) Pass() { r.passed.Add(1) }

// Stop ends recording, after a file that is being written. Dump does nothing from then on.
func (r *Recorder) Stop() {
	r.stop.Do(func() {
		close(r.quit)
		r.ended.Wait()
		r.flight.Stop()
	})
}

// serve writes the files. It takes orders also while none may be written, so that they are not written later, when what
// they are about has left the window.
func (r *Recorder) serve() {
	var last time.Time
	for {
		select {
		case <-r.quit:
			return
		case why := <-r.orders:
			if now := time.Now(); last.IsZero() || now.Sub(last) >= r.cfg.Every {
				last = now
				r.dump(now, why)
			} else {
				r.Pass()
			}
		}
	}
}

// dump writes one file and tells the operator.
func (r *Recorder) dump(now time.Time, why string) {
	name, err := r.write(now, why)
	if err != nil {
		r.cfg.Log.Warn("flight recorder: no file", "error", err)
		return
	}
	r.cfg.Log.Warn("flight recorder: wrote the last seconds; open it with go tool trace", "file", name, "passed_over", r.passed.Swap(0))
}

// prefix is what the names of this recorder's files begin with.
func (r *Recorder) prefix() string { return "flight-" + r.cfg.Process + "_" }

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// write writes one file, under another name until it is complete.
func (r *Recorder) write(now time.Time, why string) (name string, err error) {
	r.prune(r.cfg.Files - 1)
	stamp := now.UTC().Format("20060102T150405.000Z")
	name = filepath.Join(r.cfg.Dir, r.prefix()+stamp+"_"+notInNames.ReplaceAllString(why, "-")+suffix)
	part := name + ".part"
	defer func() {
		if err != nil {
			_ = os.Remove(part) // it would fill the disk for nothing
		}
	}()
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // a trace shows stacks and names of goroutines
	if err != nil {
		return "", err
	}
	if _, err = r.flight.WriteTo(&bounded{w: file, left: limitFactor * int64(r.cfg.Memory)}); err != nil {
		_ = file.Close()
		return "", fmt.Errorf("write %s: %w", part, err)
	}
	if err = file.Close(); err != nil {
		return "", fmt.Errorf("write %s: %w", part, err)
	}
	return name, os.Rename(part, name)
}

const (
	suffix = ".trace"
	// limitFactor times Config.Memory is what a file may have. The runtime takes its bound for a hint: the part of the
	// trace that is being written comes on top.
	limitFactor = 4
)

// prune removes the oldest files of this recorder but for the newest so many.
func (r *Recorder) prune(keep int) {
	entries, err := os.ReadDir(r.cfg.Dir)
	if err != nil {
		return // the next write says why
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), r.prefix()) && (strings.HasSuffix(e.Name(), suffix) || strings.HasSuffix(e.Name(), ".part")) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // and so by time
	for _, name := range names[:max(0, len(names)-keep)] {
		if err := os.Remove(filepath.Join(r.cfg.Dir, name)); err != nil {
			r.cfg.Log.Warn("flight recorder: an old file stays", "error", err)
		}
	}
}

// bounded is a writer that fails before more than left bytes are written.
type bounded struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("the trace is larger than %d times its memory", limitFactor)
	}
	return b.w.Write(p)
}
