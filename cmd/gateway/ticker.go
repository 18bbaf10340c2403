package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tickgate/internal/bus"
	"tickgate/internal/config"
	"tickgate/internal/feed"
	"tickgate/internal/metrics"
	"tickgate/internal/ticklog"
)

// ticker publishes the feed's messages on the bus and counts what became of them.
type ticker struct {
	feed  feed.Feed
	bus   *bus.Bus
	log   *slog.Logger
	ticks *ticklog.Log
	late  time.Duration // a tick published later than this after its time is late
	warn  atomic.Int64  // Unix nanoseconds before which another warning would be noise
	stopf context.CancelFunc
	ended sync.WaitGroup

	lateTicks, publishes         atomic.Uint64
	overloaded, unavailable, bad atomic.Uint64 // publishes that failed
}

// warnEvery spaces the warnings about publishes that fail.
const warnEvery = 10 * time.Second

func feedConfig(cfg *config.Config, p program) feed.Config {
	return feed.Config{
		Symbols: cfg.Feed.SymbolNames(), CheckTopic: bus.CheckTopic,
		Kind: feed.Kind(cfg.Feed.Source.Kind), File: cfg.Feed.Source.File,
		Topic: cfg.Feed.Topic, Interval: cfg.Feed.Interval, Seed: cfg.Feed.Seed,
		PayloadBytes: int(cfg.Feed.PayloadBytes), Input: p.stdin, MaxPayload: int(cfg.Topics.MaxMessage),
	}
}

func startTicker(ctx context.Context, f feed.Feed, b *bus.Bus, g *gateway) *ticker {
	ctx, cancel := context.WithCancel(ctx)
	t := &ticker{feed: f, bus: b, log: g.log, ticks: g.box.ticks, late: g.cfg.Feed.Interval / 2, stopf: cancel}
	t.ended.Go(func() {
		if common(g.cfg.Feed.Source.Kind) {
			b.Lead(ctx, "feed of topic "+g.cfg.Feed.Topic, t.run)
		} else {
			t.run(ctx)
		}
		t.tell()
	})
	return t
}

// common tells whether gateways with the same settings would publish the same: then one of a cluster does it. Lines of
// standard input are nobody else's.
func common(kind config.FeedKind) bool { return kind == config.FeedSim || kind == config.FeedReplay }

// run publishes until the context or the feed ends.
func (t *ticker) run(ctx context.Context) {
	if err := t.feed.Run(ctx, t.publish); err != nil {
		t.log.Error("feed ended", "error", err)
	} else if ctx.Err() == nil {
		t.log.Info("feed ended: there is nothing more to publish; clients stay")
	}
}

// tell warns of lines that were left out, once when the feed ends.
func (t *ticker) tell() {
	if n := t.feed.Stats().TooLong; n > 0 {
		t.log.Warn("lines of standard input were left out: longer than --max-message", "lines", n)
	}
}

// stop ends the feed and waits for it.
func (t *ticker) stop() {
	t.stopf()
	t.ended.Wait()
}

// publish implements feed.Publish.
func (t *ticker) publish(ctx context.Context, topic string, payload []byte, intended time.Time) error {
	offered := time.Now()
	if offered.Sub(intended) > t.late {
		t.lateTicks.Add(1)
	}
	ack, err := t.bus.PublishReserved(ctx, bus.Msg{Topic: topic, Payload: payload})
	switch {
	case err == nil:
		t.publishes.Add(1)
		t.ticks.Published(ack.Seq, intended, offered, time.Now())
		return nil
	case ctx.Err() != nil: // stopped, not failed
		return err
	case errors.Is(err, bus.ErrOverloaded):
		t.overloaded.Add(1)
	case errors.Is(err, bus.ErrUnavailable):
		t.unavailable.Add(1)
	default:
		t.bad.Add(1)
	}
	if now := time.Now().UnixNano(); now >= t.warn.Load() {
		t.warn.Store(now + int64(warnEvery))
		t.log.Warn("a tick was not stored", "topic", topic, "error", err)
	}
	return err
}

// measure adds the feed's and the bus's numbers to m.
func (t *ticker) measure(m *metrics.Snapshot) {
	s := t.feed.Stats()
	m.Feed = &metrics.Feed{Ticks: s.Published, Late: t.lateTicks.Load(), Skipped: s.Late}
	if m.Bus == nil {
		m.Bus = &metrics.Bus{Up: t.bus.Ready() == nil}
	}
	m.Bus.Publishes = t.publishes.Load()
	m.Bus.Errors = []metrics.Count{
		{Label: "overloaded", N: t.overloaded.Load()},
		{Label: "unavailable", N: t.unavailable.Load()},
		{Label: "refused", N: t.bad.Load()},
		{Label: "too_long", N: s.TooLong},
	}
}
