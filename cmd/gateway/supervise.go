package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tickgate/internal/admin"
	"tickgate/internal/bus"
	"tickgate/internal/config"
	"tickgate/internal/dashboard"
	"tickgate/internal/metrics"
	"tickgate/internal/prefork"
	"tickgate/internal/ticklog"
)

// orders is what a worker process is told by the supervisor.
type orders struct {
	Config   config.Config
	Plan     planOrders
	Addr     string
	Endpoint bus.Endpoint
	Keys     keyTexts // of tokens, should the worker find the files in a bad state
}

// planOrders is plan in JSON.
type planOrders struct {
	Workers, Loops, MaxConns, Nofile int

	ticks  *ticklog.Log // the worker's own
	tokens *tokens      // likewise
}

// drainGrace is what workers may take beyond the drain before they are killed: the linger of the last connections.
const drainGrace = 8 * time.Second

// supervise serves clients in worker processes.
func (g *gateway) supervise(ctx context.Context) error {
	defer g.close()
	source := newSource(g)
	self, err := newProcess(metrics.Config{Source: source.snapshot, Kernel: true, Version: version})
	if err != nil {
		return err
	}
	if g.box, err = newBlackbox(g.cfg, metrics.Supervisor, g.log); err != nil {
		return err
	}
	defer g.box.close()
	self.Ticks = g.box.ticks
	self.Stats = dashboard.Process{Source: source.snapshot, Ticks: g.box.ticks}
	local := admin.Local(metrics.Supervisor, admin.WorkerHandler(self))
	if err := g.open(ctx, func() []admin.Worker { return append(source.processes(), local) }); err != nil {
		return err
	}
	heirs, err := newHeritage(g)
	if err != nil {
		return err
	}
	workers, err := prefork.Start(ctx, prefork.Config{
		Workers: g.plan.workers, Command: heirs.command, Settings: g.orders, Ended: heirs.forget,
		Output: g.program.stderr, Log: g.log,
	})
	if err != nil {
		return err
	}
	defer func() { workers.Kill(); _ = workers.Wait() }()
	source.workers.Store(workers)
	g.box.asks(func() bool { return heirs.pool.Taken() > 0 }) // whether of this topic, only the workers know
	defer startWalls(g.cfg, g.log, nil, true)()
	if err := workers.WaitReady(ctx); err != nil {
		return err
	}
	defer g.reloads(ctx, retopicWorkers(workers))()
	g.startFeed(ctx)
	alive := newLiveness(workers, g.log)
	g.ready.Check("workers", alive.ready)
	probing, stop := context.WithCancel(ctx)
	defer stop()
	go alive.watch(probing)
	// Whatever ends the gateway, its clients are told when to come back.
	err = g.wait(nil, heirs.pool.Taken)
	return errors.Join(err, g.drainWorkers(workers))
}

// drainWorkers lets the workers send their clients away, which a second signal cuts short.
func (g *gateway) drainWorkers(workers *prefork.Supervisor) error {
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.Server.Drain+drainGrace)
	defer cancel()
	forced := make(chan error, 1)
	go func() {
		select {
		case <-g.signals:
			forced <- errForced
			workers.Kill()
		case <-workers.Done():
			forced <- nil
		}
	}()
	err := workers.Shutdown(ctx)
	return errors.Join(<-forced, err)
}

// orders implements prefork.Config.Settings.
func (g *gateway) orders(int) (any, error) {
	endpoint := g.bus.Endpoint()
	cfg := *g.cfg
	cfg.Topics = *g.topicSettings()
	return orders{
		Config: cfg, Addr: g.addr, Endpoint: endpoint, Keys: g.plan.tokens.texts(),
		Plan: planOrders{Workers: g.plan.workers, Loops: g.plan.loops, MaxConns: g.plan.maxConns, Nofile: g.plan.nofile},
	}, nil
}

// remote is a worker process as the private listener sees it.
type remote struct{ *prefork.Worker }

// Name implements admin.Worker.
func (r remote) Name() string { return strconv.Itoa(r.ID()) }

// Get implements admin.Worker.
func (r remote) Get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, prefork.BaseURL+path, nil)
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", path, err)
	}
	return r.Client().Do(req)
}
