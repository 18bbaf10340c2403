package main

import (
	"context"
	"errors"

	"tickgate/internal/admin"
	"tickgate/internal/dashboard"
	"tickgate/internal/metrics"
)

// runAlone serves clients in this process.
func (g *gateway) runAlone(ctx context.Context) error {
	defer g.close()
	source := newSource(g)
	self, err := newProcess(metrics.Config{Source: source.snapshot, Kernel: true, Version: version})
	if err != nil {
		return err
	}
	if g.box, err = newBlackbox(g.cfg, "0", g.log); err != nil {
		return err
	}
	defer g.box.close()
	self.Ticks, g.plan.ticks = g.box.ticks, g.box.ticks
	self.Inspect = inspector{source}
	self.Stats = dashboard.Process{Source: source.snapshot, Ticks: g.box.ticks}
	worker := admin.Local("0", admin.WorkerHandler(self))
	if err := g.open(ctx, func() []admin.Worker { return []admin.Worker{worker} }); err != nil {
		return err
	}
	if err := g.plan.countAlone(g.cfg); err != nil {
		return err
	}
	n, err := newNode(ctx, g.cfg, g.plan, g.bus, g.addr)
	if err != nil {
		return err
	}
	defer n.close()
	source.node.Store(n)
	if !g.cfg.Feed.MakesTopics() {
		g.box.asks(n.hears(g.cfg.Feed.Topic))
	}
	n.serve()
	defer startWalls(g.cfg, g.log, n, true)()
	defer g.reloads(ctx, n.reconfigure)()
	g.startFeed(ctx)
	// Whatever ends the gateway, its clients are told when to come back.
	err = g.wait(n.failed, n.open)
	return errors.Join(err, n.drain(g.cfg.Server.Drain, g.signals))
}
