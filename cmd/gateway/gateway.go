package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"tickgate/internal/admin"
	"tickgate/internal/auth"
	"tickgate/internal/bus"
	"tickgate/internal/config"
	"tickgate/internal/dashboard"
	"tickgate/internal/feed"
	"tickgate/internal/metrics"
	"tickgate/internal/publish"
)

// gateway is what there is one of, whether clients are served in this process or in workers: the bus, the feed, the
// private listener, and the reaction to signals.
type gateway struct {
	// Immutable after serve has made it.
	cfg     *config.Config
	program program
	log     *slog.Logger
	plan    plan
	addr    string // of the public listeners
	signals <-chan os.Signal
	hangups <-chan os.Signal // each asks to read the settings again

	feed feed.Feed
	box  *blackbox // set before open

	// Set as the gateway starts.
	ready  *admin.Readiness
	bus    *bus.Bus
	admin  *admin.Server
	ingest *ingest                       // nil without a private listener
	live   *dashboard.Dashboard          // likewise
	ticker atomic.Pointer[ticker]        // read by scrapes
	topics atomic.Pointer[config.Topics] // as read last; nil for cfg's

	keys atomic.Pointer[auth.PublishKeys] // as read last; set by serve
}

// open starts the parts that come before the clients: the bus, and the private listener, so that health is visible from
// the beginning. The caller calls close also after an error.
func (g *gateway) open(ctx context.Context, workers func() []admin.Worker) (err error) {
	g.ready = admin.NewReadiness("bus", "clients")
	if err = g.listenAdmin(workers); err != nil {
		return err
	}
	g.plan.explain(g.log)
	g.plan.tokens.explain(&g.cfg.Access, g.log)
	if g.bus, err = bus.Open(ctx, busConfig(g.cfg, g.plan.workers > 1, g.log)); err != nil {
		return err
	}
	if g.ingest != nil {
		g.ingest.bus.Store(g.bus)
	}
	g.ready.Unblock("bus")
	g.ready.Check("bus", g.bus.Ready)
	return nil
}

func busConfig(cfg *config.Config, listen bool, log *slog.Logger) bus.Config {
	return bus.Config{
		URLs: cfg.Bus.URLs, Dir: cfg.Bus.Data, Listen: listen && len(cfg.Bus.URLs) == 0,
		SyncEvery: cfg.Bus.Sync.Every, SyncAlways: cfg.Bus.Sync.Always,
		Access:   bus.Access{Credentials: cfg.Bus.Creds, CA: cfg.Bus.CA, Cert: cfg.Bus.Cert, Key: cfg.Bus.Key},
		Replicas: cfg.Bus.Replicas, Window: cfg.Bus.DedupWindow,
		MaxPayload: int(cfg.Topics.MaxMessage), Logger: log,
	}
}

// listenAdmin starts the private listener over the processes that workers returns.
func (g *gateway) listenAdmin(workers func() []admin.Worker) (err error) {
	if g.cfg.Server.Admin.Addr == "" {
		return nil
	}
	g.admin, err = admin.Listen(admin.Config{
		Addr: g.cfg.Server.Admin.Addr, Workers: workers, MergeMetrics: mergeMetrics,
		Readiness: g.ready, Log: g.log,
	})
	if err != nil {
		return err
	}
	g.ingest = newIngest(g.cfg, g.publishers, g.admin)
	if g.live, err = newDashboard(g, workers); err != nil {
		return err
	}
	g.live.Register(g.admin.Handle)
	go func() {
		if err := g.admin.Serve(); err != nil {
			g.log.Error("admin listener ended", "error", err)
		}
	}()
	g.log.Info("admin listening", "addr", g.admin.Addr())
	return nil
}

// publishers returns who may publish through a listener.
func (g *gateway) publishers(listener net.Addr) publish.Authorizer {
	return authority{keys: g.keys.Load, tokens: g.plan.tokens, topics: g.topicSettings}.at(listener)
}

// topicSettings returns the settings of topics as they were read last.
func (g *gateway) topicSettings() *config.Topics {
	if t := g.topics.Load(); t != nil {
		return t
	}
	return &g.cfg.Topics
}

func mergeMetrics(pages []admin.Page) ([]byte, error) {
	converted := make([]metrics.Page, len(pages))
	for i, p := range pages {
		converted[i] = metrics.Page(p)
	}
	return metrics.Merge(converted)
}

// startFeed begins to publish ticks. It comes last, so that the first tick finds everybody.
func (g *gateway) startFeed(ctx context.Context) {
	g.ticker.Store(startTicker(ctx, g.feed, g.bus, g))
}

// measure adds to m the numbers of what there is one of.
func (g *gateway) measure(m *metrics.Snapshot) {
	m.Capacity = g.plan.capacity(g.cfg)
	if t := g.ticker.Load(); t != nil {
		t.measure(m)
	}
	if g.ingest != nil {
		g.ingest.measure(m)
	}
	g.plan.tokens.measure(m)
}

// wait returns nil at the first signal, and an error when a part has failed. Errors of the feed do not end the gateway: its
// clients and other publishers still need it. open returns the number of connections.
func (g *gateway) wait(failed <-chan error, open func() int) error {
	g.ready.Unblock("clients")
	g.log.Info("listening", "addr", g.addr, "workers", g.plan.workers, "loops", g.plan.loops, "version", version)
	defer g.ready.Block("drain", "the gateway is shutting down")
	select {
	case sig := <-g.signals:
		g.log.Info("draining; a second signal ends at once", "signal", sig, "connections", open(), "over", g.cfg.Server.Drain)
		return nil
	case err := <-failed:
		return err
	case <-g.bus.Done():
		return fmt.Errorf("bus: %w", g.bus.Err())
	}
}

// adminPatience bounds how long the private listener finishes answers at the end.
const adminPatience = 2 * time.Second

// close ends everything in the reverse order of the start.
func (g *gateway) close() {
	if t := g.ticker.Load(); t != nil {
		t.stop()
	}
	if g.live != nil {
		g.live.Stop()
	}
	if g.admin != nil {
		ctx, cancel := context.WithTimeout(context.Background(), adminPatience)
		defer cancel()
		if err := g.admin.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			g.log.Debug("admin listener", "error", err)
		}
	}
	if g.bus != nil {
		_ = g.bus.Close()
	}
}
