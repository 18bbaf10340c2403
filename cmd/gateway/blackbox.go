package main

import (
	"fmt"
	"log/slog"
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

// late implements ticklog.Config.Late.
func (b *blackbox) late(l ticklog.Late) {
	b.recorder.Dump(fmt.Sprintf("seq%d_late%dms", l.Seq, l.By.Milliseconds()))
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
