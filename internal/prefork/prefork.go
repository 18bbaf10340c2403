// Package prefork runs a program as one supervisor and several worker processes of the same binary.
//
// The supervisor starts the workers, tells each its settings, forwards its output, restarts it when it dies and
// stops it at the end. It reaches into a worker over HTTP through a private channel: a pair of unix sockets that
// has no name and that nobody else can open. A worker whose supervisor dies is killed by the kernel.
//
// The package knows nothing of what the program does. What a worker serves on its channel, and how the pages of
// several workers become one page, is left to the caller.
package prefork

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"time"
)

// defaultReadyTimeout is generous: a worker that replays a full history on two busy cores needs a few seconds.
const defaultReadyTimeout = 30 * time.Second

// Config says which processes a Supervisor keeps running. It is not changed by Start.
type Config struct {
	// Workers is how many processes to run; at least 1. Each needs about 4 descriptors in the supervisor.
	Workers int

	// Command builds the process of worker id (0 to Workers-1) before each of its starts; nil stands for Self.
	// Start adds to it: two inherited descriptors in front of ExtraFiles (which therefore begin at descriptor 5 in
	// the worker), one environment variable, its own process group, and the death signal.
	// Stdout and Stderr are forwarded to Output where they are nil.
	Command func(id int) *exec.Cmd

	// Settings returns what worker id is told, encoded as JSON and read there through Child.Settings. It travels in
	// an anonymous memory file and never through arguments or environment, which other users can read, so it may hold
	// secrets. nil tells the workers nothing.
	Settings func(id int) (any, error)

	// Ended is called when a process of worker id has ended, before another one takes its place; nil calls nothing. It is
	// called on several goroutines, for one worker at a time.
	Ended func(id int)

	// Once leaves a worker that has ended alone; otherwise it is started again, whatever its exit status was.
	Once bool

	// Backoff spaces the restarts of one worker; the zero value takes the defaults.
	Backoff Backoff

	// ReadyTimeout is how long a worker may take from its start to Child.Ready before it is killed (and started
	// again unless Once); default 30 s.
	ReadyTimeout time.Duration

	// Output receives what the workers print, whole lines, each with "worker N: " in front; default os.Stderr.
	// It is written to by one goroutine at a time. A writer that blocks stalls the workers' prints.
	Output io.Writer

	// Log tells of starts, ends and restarts; nil discards.
	Log *slog.Logger
}

// Self is the command that runs this very binary again with this process's arguments. It goes through /proc/self/exe,
// so that a restarted worker is the same program as its supervisor even after the file on disk was replaced.
func Self() *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	return cmd
}

// Start starts all workers and returns without waiting for their readiness; see Supervisor.WaitReady. If one cannot
// be started, those already running are killed and the error says which.
//
// Cancelling ctx kills the workers at once, without a drain: it is the emergency exit and should outlive the first
// termination signal, which belongs to Shutdown.
func Start(ctx context.Context, cfg Config) (*Supervisor, error) {
	if cfg.Workers < 1 {
		return nil, fmt.Errorf("start workers: got %d, want at least 1", cfg.Workers)
	}
	s := newSupervisor(cfg.withDefaults())
	for _, w := range s.workers {
		if err := w.start(); err != nil {
			s.abandon()
			return nil, errors.Join(fmt.Errorf("start worker %d: %w", w.id, err), ctx.Err())
		}
		s.watch(w)
	}
	s.seal(ctx)
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Command == nil {
		c.Command = func(int) *exec.Cmd { return Self() }
	}
	if c.Settings == nil {
		c.Settings = func(int) (any, error) { return nil, nil }
	}
	if c.Ended == nil {
		c.Ended = func(int) {}
	}
	if c.ReadyTimeout <= 0 {
		c.ReadyTimeout = defaultReadyTimeout
	}
	if c.Output == nil {
		c.Output = os.Stderr
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Backoff = c.Backoff.withDefaults()
	return c
}
