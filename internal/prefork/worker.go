package prefork

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// State says what a worker is doing.
type State string

// The states of a worker. A worker that is not started again stays in Ended.
const (
	Starting State = "starting" // its process runs and is not ready yet
	Ready    State = "ready"    // its process has called Child.Ready
	Waiting  State = "waiting"  // its process died; the next start waits for the backoff
	Ended    State = "ended"    // it has ended for good
)

// errStatus0 stands for the exit of a worker that ended well, but too early.
var errStatus0 = errors.New("exit status 0")

// errStopped is what a start gets after Shutdown or Kill.
var errStopped = errors.New("supervisor is stopping")

// ExitError tells how a worker ended.
type ExitError struct {
	ID  int   // the worker's
	Err error // usually an *exec.ExitError
}

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("worker %d: %v", e.ID, e.Err) }

// Unwrap returns Err.
func (e *ExitError) Unwrap() error { return e.Err }

// Status is a snapshot of one worker.
type Status struct {
	ID       int       `json:"id"`
	PID      int       `json:"pid,omitempty"` // 0 while no process runs
	State    State     `json:"state"`
	Restarts int       `json:"restarts"`            // starts after the first one
	Since    time.Time `json:"since"`               // when State was entered
	LastExit string    `json:"last_exit,omitempty"` // how its previous process ended, if not with status 0
}

// Worker is the supervisor's view of one worker, through all its restarts. All methods are safe for concurrent use.
type Worker struct {
	// immutable after newWorker
	id     int
	s      *Supervisor
	client *http.Client

	wasReady  chan struct{} // closed when the worker is ready for the first time
	readyOnce sync.Once

	mu       sync.Mutex
	proc     *process // guarded by mu; nil while none runs
	state    State    // guarded by mu
	since    time.Time
	restarts int   // guarded by mu
	last     error // guarded by mu; how the previous process ended
	stopped  bool  // guarded by mu; no start any more
}

func newWorker(s *Supervisor, id int) *Worker {
	w := &Worker{id: id, s: s, state: Starting, since: time.Now(), wasReady: make(chan struct{})}
	w.client = newClient(w.dial)
	return w
}

// ID returns the worker's number, 0 to Config.Workers-1.
func (w *Worker) ID() int { return w.id }

// Client returns the client for what the worker serves with Child.Serve, under BaseURL. It stays valid over restarts;
// while no process runs, requests fail at once.
func (w *Worker) Client() *http.Client { return w.client }

// Status returns a snapshot.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := Status{ID: w.id, State: w.state, Restarts: w.restarts, Since: w.since}
	if w.proc != nil {
		st.PID = w.proc.pid()
	}
	if w.last != nil {
		st.LastExit = w.last.Error()
	}
	return st
}

// supervise follows the worker's processes until it has ended for good.
func (w *Worker) supervise() {
	var pause time.Duration
	for {
		uptime := w.follow()
		if pause = w.s.cfg.Backoff.next(pause, uptime); w.s.cfg.Once || !w.sleep(pause) {
			w.enter(Ended)
			return
		}
		w.restart()
	}
}

// start starts the worker's process, unless the supervisor is stopping.
func (w *Worker) start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return errStopped
	}
	proc, err := w.s.spawn(w.id)
	if err != nil {
		w.last = err
		return err
	}
	w.proc = proc
	w.enterLocked(Starting)
	w.s.cfg.Log.Debug("worker started", "worker", w.id, "pid", proc.pid())
	return nil
}

func (w *Worker) restart() {
	w.mu.Lock()
	w.restarts++
	w.mu.Unlock()
	if err := w.start(); err != nil && !errors.Is(err, errStopped) {
		w.s.cfg.Log.Error("cannot restart worker", "worker", w.id, "error", err)
	}
}

// follow waits until the running process has ended and returns how long it ran; 0 if none runs.
func (w *Worker) follow() time.Duration {
	w.mu.Lock()
	proc := w.proc
	w.mu.Unlock()
	if proc == nil {
		return 0
	}
	err := proc.wait(w.s.cfg.ReadyTimeout, w.becomeReady)
	w.client.CloseIdleConnections()
	w.s.cfg.Ended(w.id)
	w.ended(err)
	return time.Since(proc.started)
}

func (w *Worker) becomeReady() {
	w.enter(Ready)
	if st := w.Status(); st.Restarts > 0 {
		w.s.cfg.Log.Info("worker is back", "worker", w.id, "pid", st.PID, "restarts", st.Restarts)
	}
	w.readyOnce.Do(func() { close(w.wasReady) })
}

// ended records the end of the running process.
func (w *Worker) ended(err error) {
	w.mu.Lock()
	if w.stopped && terminated(err) {
		err = nil // asked to end before it could handle that signal
	}
	log := w.s.cfg.Log.With("worker", w.id, "pid", w.proc.pid(), "error", err)
	w.proc, w.last = nil, err
	switch {
	case w.stopped, w.s.cfg.Once:
		w.enterLocked(Ended)
		log.Debug("worker ended")
	default:
		w.enterLocked(Waiting)
		log.Warn("worker died", "restarts", w.restarts)
	}
	w.mu.Unlock()
	select {
	case <-w.wasReady:
	default:
		w.s.failed.resolve(&ExitError{ID: w.id, Err: fmt.Errorf("ended before it was ready: %w", cmp.Or(err, errStatus0))})
	}
}

// sleep waits for d and reports whether the worker should be started then.
func (w *Worker) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.s.stopping:
		return false
	}
}

// stop forbids further starts and signals the running process.
func (w *Worker) stop(sig syscall.Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.proc != nil {
		w.proc.signal(sig)
	}
}

// exit returns how the last process ended; nil for status 0.
func (w *Worker) exit() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return nil
	}
	return &ExitError{ID: w.id, Err: w.last}
}

// terminated reports whether a process ended by SIGTERM.
func terminated(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

func (w *Worker) enter(st State) {
	w.mu.Lock()
	w.enterLocked(st)
	w.mu.Unlock()
}

func (w *Worker) enterLocked(st State) {
	w.state, w.since = st, time.Now()
}

func (w *Worker) dial(ctx context.Context) (net.Conn, error) {
	w.mu.Lock()
	proc := w.proc
	w.mu.Unlock()
	if proc == nil {
		return nil, fmt.Errorf("dial worker %d: %w", w.id, ErrNotRunning)
	}
	conn, err := proc.channel.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("dial worker %d: %w", w.id, err)
	}
	return conn, nil
}
