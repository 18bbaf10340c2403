package main

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tickgate/internal/config"
	"tickgate/internal/epoll"
	"tickgate/internal/flight"
	"tickgate/internal/session"
	"tickgate/internal/ticklog"
)

// blackbox is what a process keeps to explain late ticks.
type blackbox struct {
	ticks    *ticklog.Log
	recorder *flight.Recorder // nil without --flight-recorder
	unwatch  func()

	heard  atomic.Pointer[func() bool] // whether anybody gets the feed's ticks; nil is yes
	judged atomic.Uint64               // the last message that was late
}

// newBlackbox begins to record; process is the name in the recorder's files.
func newBlackbox(cfg *config.Config, process string, log *slog.Logger) (*blackbox, error) {
	b := new(blackbox)
	objective := cfg.Trace.Objective
	if objective == 0 {
		objective = cfg.Feed.Interval
	}
	notes := ticklog.Config{}
	if dir := cfg.Trace.FlightRecorder; dir != "" {
		var err error
		// The window reaches back to before a tick that is only just too late, and to the collection before it.
		b.recorder, err = flight.Start(flight.Config{Dir: dir, Process: process, Window: objective + 3*time.Second, Log: log})
		if err != nil {
			return nil, fmt.Errorf("%w; --flight-recorder takes a directory that can be written", err)
		}
		notes = ticklog.Config{Objective: objective, Late: b.late}
	}
	b.ticks = ticklog.New(notes)
	b.unwatch = b.ticks.WatchCollector()
	return b, nil
}

// late implements ticklog.Config.Late. What came late to nobody, such as the first tick after the start, is not worth the
// one file a minute.
func (b *blackbox) late(l ticklog.Late) {
	if b.judged.Swap(l.Seq) == l.Seq {
		return // the bus, or another loop, was late with it before
	}
	if heard := b.heard.Load(); heard != nil && !(*heard)() {
		b.recorder.Pass()
		return
	}
	b.recorder.Dump(fmt.Sprintf("seq%d_late%dms", l.Seq, l.By.Milliseconds()))
}

// asks makes heard tell whether anybody gets the feed's ticks. It is called with the log of ticks locked, on several
// goroutines.
func (b *blackbox) asks(heard func() bool) { b.heard.Store(&heard) }

// hears returns what tells whether a topic has subscribers in this process. Another I/O model than the loops counts
// connections only, which all have the default topic.
func (n *node) hears(topic string) func() bool {
	return func() bool {
		if n.model != nil {
			return n.model.Open() > 0
		}
		t := n.hub.Lookup(topic)
		return t != nil && t.Subscribers() > 0
	}
}

// close ends recording. What is told to the log afterwards is for nobody.
func (b *blackbox) close() {
	b.unwatch()
	if b.recorder != nil {
		b.recorder.Stop()
	}
}

// watch makes the next loop's configuration one that takes notes.
func (n *node) watch(c *session.Config) {
	meter := new(epoll.Meter)
	c.Sockets.Meter = meter
	c.Watcher = n.plan.ticks.Loop(func() ticklog.Spent {
		s := meter.Read()
		return ticklog.Spent{
			Accepts: int64(s.Accepts), Reads: int64(s.Reads), Timers: int64(s.Timers), Work: int64(s.Work),
		}
	})
}
