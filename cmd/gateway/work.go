package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/signal"
	"strconv"
	"syscall"

	"tickgate/internal/admin"
	"tickgate/internal/bus"
	"tickgate/internal/dashboard"
	"tickgate/internal/interrupt"
	"tickgate/internal/metrics"
	"tickgate/internal/prefork"
)

// work is the life of a worker process: it takes its orders from the supervisor, serves clients, and at SIGTERM sends
// them away.
func work(ctx context.Context, p program) error {
	child, err := prefork.Join()
	if err != nil {
		return err
	}
	var o orders
	if err := child.Settings(&o); err != nil {
		return err
	}
	log := newLog(p.stderr, o.Config.Log)
	signals, ignore := interrupt.Notify()
	defer ignore()
	signal.Ignore(syscall.SIGHUP) // the supervisor's business, though a terminal tells everybody

	box, err := newBlackbox(&o.Config, strconv.Itoa(child.ID()), log)
	if err != nil {
		return err
	}
	defer box.close()
	o.Plan.ticks = box.ticks
	if o.Plan.tokens, err = newTokens(&o.Config.Access, o.Keys, log); err != nil {
		return err
	}
	defer o.Plan.tokens.close()
	n, err := o.startNode(ctx, child)
	if err != nil {
		return err
	}
	defer func() { _ = n.bus.Close() }()
	defer n.close()
	source := newSource(nil)
	source.node.Store(n)
	handler, err := newProcess(metrics.Config{Source: source.snapshot, Version: version})
	if err != nil {
		return err
	}
	handler.Ticks, handler.Inspect = box.ticks, inspector{source}
	handler.Stats = dashboard.Process{Source: source.snapshot, Ticks: box.ticks}
	handler.Status = func() any { return status{Connections: n.open()} }
	go serveChannel(child, withTopics(admin.WorkerHandler(handler), n.reconfigure), log)
	n.serve()
	defer startWalls(&o.Config, log, n, false)()
	if err := child.Ready(); err != nil {
		return err
	}
	select {
	case <-signals:
		return n.drain(o.Config.Server.Drain, signals)
	case err := <-n.failed:
		return err
	case <-child.Gone():
		return errors.New("the supervisor is gone")
	}
}

// status is what a worker answers its supervisor's probes with.
type status struct {
	Connections int `json:"connections"`
}

// startNode makes the worker's node, on the bus of the supervisor or on the external one. Its connections count towards
// what the child has inherited.
func (o *orders) startNode(ctx context.Context, child *prefork.Child) (*node, error) {
	p := plan{workers: o.Plan.Workers, loops: o.Plan.Loops, maxConns: o.Plan.MaxConns, nofile: o.Plan.Nofile, ticks: o.Plan.ticks, tokens: o.Plan.tokens}
	if err := p.inherit(child, &o.Config); err != nil {
		return nil, err
	}
	b, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	n, err := newNode(ctx, &o.Config, p, b, o.Addr)
	if err != nil {
		_ = b.Close()
		return nil, err
	}
	return n, nil
}

func (o *orders) connect(ctx context.Context) (*bus.Bus, error) {
	if o.Endpoint.URL == "" {
		return bus.Open(ctx, busConfig(&o.Config, false, slog.Default()))
	}
	return bus.Connect(ctx, o.Endpoint)
}

func serveChannel(child *prefork.Child, handler http.Handler, log *slog.Logger) {
	if err := child.Serve(handler); err != nil {
		log.Error("channel to the supervisor", "error", fmt.Errorf("serve: %w", err))
	}
}
