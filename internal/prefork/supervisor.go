package prefork

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// Supervisor keeps the workers of one Config running. All methods are safe for concurrent use.
type Supervisor struct {
	// immutable after newSupervisor
	cfg     Config
	workers []*Worker
	spawner *spawner
	output  *output

	failed   outcome        // of the first worker that ended before it was ever ready
	running  sync.WaitGroup // one per worker that runs or will run again
	stopping chan struct{}  // closed by the first Shutdown or Kill
	stopOnce sync.Once
	done     chan struct{} // closed when no worker runs or will run again
}

func newSupervisor(cfg Config) *Supervisor {
	s := &Supervisor{
		cfg:      cfg,
		spawner:  newSpawner(),
		output:   newOutput(cfg.Output),
		stopping: make(chan struct{}),
		done:     make(chan struct{}),
		failed:   outcome{done: make(chan struct{})},
	}
	for id := range cfg.Workers {
		s.workers = append(s.workers, newWorker(s, id))
	}
	return s
}

// watch follows a started worker until it has ended for good.
func (s *Supervisor) watch(w *Worker) {
	s.running.Go(w.supervise)
}

// seal starts what waits for the end of all workers.
func (s *Supervisor) seal(ctx context.Context) {
	disarm := context.AfterFunc(ctx, s.Kill)
	go func() {
		s.running.Wait()
		disarm()
		s.spawner.close()
		close(s.done)
	}()
}

// abandon undoes a start that went wrong half way.
func (s *Supervisor) abandon() {
	s.Kill()
	s.running.Wait()
	s.spawner.close()
}

// Workers returns the workers in the order of their ids. The slice must not be modified; the workers stay the same
// over restarts.
func (s *Supervisor) Workers() []*Worker { return s.workers }

// Done is closed when no worker runs any more and none will be started again.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// WaitReady returns nil once each worker has been ready. If one ends before it was ever ready, WaitReady returns its
// *ExitError; the workers go on (and are restarted) nevertheless, until Kill.
func (s *Supervisor) WaitReady(ctx context.Context) error {
	for _, w := range s.workers {
		select {
		case <-w.wasReady:
		case <-s.failed.done:
			return s.failed.err
		case <-ctx.Done():
			return fmt.Errorf("wait for worker %d to become ready: %w", w.id, context.Cause(ctx))
		}
	}
	return nil
}

// Shutdown asks all workers to end (SIGTERM), starts none again, and waits until they have ended. Those still there
// when ctx ends are killed. It returns nil if every worker ended with status 0 or by that SIGTERM, and otherwise what
// each ended with, joined with the cause of ctx if that was the reason.
func (s *Supervisor) Shutdown(ctx context.Context) error {
	s.stop(syscall.SIGTERM)
	select {
	case <-s.done:
		return s.Wait()
	case <-ctx.Done():
		s.Kill()
		return errors.Join(fmt.Errorf("drain workers: %w", context.Cause(ctx)), s.Wait())
	}
}

// Kill ends all workers at once (SIGKILL) and starts none again. It does not wait; see Wait.
func (s *Supervisor) Kill() { s.stop(syscall.SIGKILL) }

// Wait waits until no worker runs and none will be started again. It returns nil if the last run of each ended with
// status 0, and the *ExitErrors of the others joined.
func (s *Supervisor) Wait() error {
	<-s.done
	errs := make([]error, 0, len(s.workers))
	for _, w := range s.workers {
		errs = append(errs, w.exit())
	}
	return errors.Join(errs...)
}

func (s *Supervisor) stop(sig syscall.Signal) {
	s.stopOnce.Do(func() { close(s.stopping) })
	for _, w := range s.workers {
		w.stop(sig)
	}
}

// outcome is an error that is known once done is closed.
type outcome struct {
	once sync.Once
	done chan struct{}
	err  error // may be read once done is closed
}

// resolve sets the outcome; only the first call counts.
func (o *outcome) resolve(err error) {
	o.once.Do(func() {
		o.err = err
		close(o.done)
	})
}
