package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"time"

	"tickgate/internal/prefork"
)

const (
	// probeEvery is how often a worker is asked whether it is there, and probePatience how long it may take to answer. A
	// worker under full load answers within milliseconds: the answer comes from another thread than its loops'.
	probeEvery    = 2 * time.Second
	probePatience = 3 * time.Second
	// probeMisses unanswered probes in a row mean that a worker hangs: it is killed, and so started again.
	probeMisses = 3
)

// liveness watches over worker processes that run but do nothing. Their clients would wait for ever: the kernel goes on
// giving them their share of new connections. Safe for concurrent use.
type liveness struct {
	workers *prefork.Supervisor
	log     *slog.Logger
	missed  []atomic.Int32 // by worker: unanswered probes in a row
}

func newLiveness(workers *prefork.Supervisor, log *slog.Logger) *liveness {
	return &liveness{workers: workers, log: log, missed: make([]atomic.Int32, len(workers.Workers()))}
}

// watch probes all workers until the context ends.
func (l *liveness) watch(ctx context.Context) {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, w := range l.workers.Workers() {
			go l.probe(ctx, w)
		}
	}
}

// probe asks one worker.
func (l *liveness) probe(ctx context.Context, w *prefork.Worker) {
	st, missed := w.Status(), &l.missed[w.ID()]
	if st.State != prefork.Ready {
		missed.Store(0)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	resp, err := remote{w}.Get(ctx, "/status")
	if err == nil {
		_ = resp.Body.Close()
		missed.Store(0)
		return
	}
	// The process may have been replaced meanwhile; another one is not to blame.
	if missed.Add(1) < probeMisses || w.Status().PID != st.PID {
		return
	}
	missed.Store(0)
	l.log.Error("worker hangs and is killed", "worker", w.ID(), "pid", st.PID, "error", err)
	if err := syscall.Kill(st.PID, syscall.SIGKILL); err != nil {
		l.log.Error("cannot kill worker", "worker", w.ID(), "pid", st.PID, "error", err)
	}
}

// ready returns an error that names a worker which cannot take clients.
func (l *liveness) ready() error {
	for _, w := range l.workers.Workers() {
		if st := w.Status(); st.State != prefork.Ready {
			return fmt.Errorf("worker %d is %s", st.ID, st.State)
		}
		if l.missed[w.ID()].Load() > 0 {
			return fmt.Errorf("worker %d does not answer", w.ID())
		}
	}
	return nil
}
