package main

import (
	"context"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"tickgate/internal/config"
	"tickgate/internal/epoll"
	"tickgate/internal/limits"
)

// wallsEvery is how often a process looks whether it has met a limit.
const wallsEvery = 2 * time.Second

// walls tells the operator which limit a process meets while it runs.
type walls struct {
	watch  *limits.Watch
	log    *slog.Logger
	node   *node // nil in the supervisor, which has no connections
	kernel bool  // look at the kernel's counters as well; they are about all processes, so one of them does

	met strikes
}

// strikes is what the loops had counted at a look: connections refused for want of descriptors, those beyond the
// plan, and pauses of accepting.
type strikes struct{ refused, full, paused uint64 }

// startWalls begins to look at limits and returns how to end that. Not to be able to look is no reason not to serve.
func startWalls(cfg *config.Config, log *slog.Logger, n *node, kernel bool) (stop func()) {
	w := &walls{log: log, node: n, kernel: kernel}
	demand := limits.Demand{Conns: cfg.Server.MaxConns}
	if n != nil {
		demand.Processes = n.plan.workers
	}
	var err error
	w.watch, err = limits.NewWatch("/", demand, w.tell)
	if err != nil {
		log.Debug("limits are not watched", "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { w.run(ctx) })
	return func() { cancel(); ended.Wait() }
}

func (w *walls) tell(line string) { w.log.Warn("a limit is in the way", "limit", line) }

func (w *walls) run(ctx context.Context) {
	tick := time.NewTicker(wallsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look()
		}
	}
}

func (w *walls) look() {
	if w.node != nil {
		if err := w.struck(); err != nil {
			w.watch.Hit(err)
		}
	}
	if w.kernel {
		if err := w.watch.Poll(); err != nil {
			w.log.Debug("limits cannot be read", "error", err)
		}
	}
}

// struck returns the error behind what the loops have counted since the last look; nil if they met no limit.
func (w *walls) struck() error {
	var now strikes
	for _, l := range w.node.loops {
		s, _ := l.Snapshot(snapshotPatience) // of a busy loop the last numbers, which serve
		now.refused += s.Loop.Refused(epoll.RefusedNoFile)
		now.full += s.Loop.Refused(epoll.RefusedMaxConns)
		now.paused += s.Loop.AcceptPauses
	}
	before := w.met
	w.met = now
	refused, paused := now.refused > before.refused, now.paused > before.paused
	switch {
	case refused && paused, now.full > before.full && w.node.cut():
		return syscall.EMFILE
	case paused: // accept had no memory
		return syscall.ENOBUFS
	case refused: // accepted, but no event loop could take it
		return syscall.ENOSPC
	}
	return nil
}

// cut reports whether the process has all connections that its descriptors are enough for, rather than all that are
// wanted. One in a hundred may just have left.
func (n *node) cut() bool {
	return n.plan.maxConns == max(1, n.plan.nofile-limits.ReserveFiles) && n.open() >= n.plan.maxConns-n.plan.maxConns/100
}
