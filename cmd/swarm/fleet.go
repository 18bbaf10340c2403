package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"tickgate/internal/load"
	"tickgate/internal/prefork"
)

// fleet is the swarm's clients, wherever they run. Not safe for concurrent use.
type fleet interface {
	start(ctx context.Context) error
	// stats returns what all clients have seen. Processes that have ended count with what they saw last; that they have
	// ended is the error, which comes with the statistics.
	stats(ctx context.Context) (*load.Stats, error)
	hold(ctx context.Context)
	// heads returns the newest message of each topic that any client has seen.
	heads(ctx context.Context) []load.Tick
	settle(ctx context.Context, heads []load.Tick)
	judge(ctx context.Context)
	farewell(ctx context.Context)
	close()
}

// local is a fleet in this process.
type local struct {
	engine *load.Engine
	last   *load.Stats // as last read
}

func newLocal(engine *load.Engine) *local { return &local{engine: engine, last: &load.Stats{}} }

func (f *local) start(context.Context) error {
	f.engine.Start()
	return nil
}

func (f *local) stats(ctx context.Context) (*load.Stats, error) {
	s, err := f.read(ctx)
	if err != nil {
		f.last = gone(f.last)
		return f.last, err
	}
	f.last = s
	return s, nil
}

func (f *local) read(ctx context.Context) (*load.Stats, error) {
	select {
	case err := <-f.engine.Failed():
		return nil, err
	default:
		return f.engine.Stats(ctx)
	}
}

func (f *local) heads(ctx context.Context) []load.Tick {
	heads, err := f.engine.Heads(ctx)
	if err != nil {
		return nil // the loop has ended, as stats tells
	}
	return heads
}

func (f *local) hold(context.Context)                        { f.engine.Hold() }
func (f *local) settle(_ context.Context, heads []load.Tick) { f.engine.Settle(heads) }
func (f *local) judge(context.Context)                       { f.engine.Judge() }
func (f *local) farewell(context.Context)                    { f.engine.Farewell() }
func (f *local) close()                                      { f.engine.Stop() }

// gone returns what clients have seen whose process, or loop, has ended, and their connections with it.
func gone(last *load.Stats) *load.Stats {
	s := *last
	s.Open, s.Slow, s.Dialing, s.Away, s.Fresh, s.Behind = [load.Transports]int{}, 0, 0, 0, 0, 0
	return &s
}

// forked is a fleet of worker processes.
type forked struct {
	supervisor *prefork.Supervisor
	last       []*load.Stats // of each worker
	sum        load.Sum      // of them
	ended      []error       // why a worker does not answer any more
}

// fork starts a worker process for each part. Their output goes to stderr.
func fork(ctx context.Context, parts []load.Config, stderr io.Writer) (*forked, error) {
	s, err := prefork.Start(ctx, prefork.Config{
		Workers:  len(parts),
		Settings: func(id int) (any, error) { return parts[id], nil },
		Once:     true,
		Output:   stderr,
	})
	if err != nil {
		return nil, err
	}
	f := &forked{supervisor: s, last: make([]*load.Stats, len(parts)), ended: make([]error, len(parts))}
	for i := range f.last {
		f.last[i] = &load.Stats{}
	}
	if err := s.WaitReady(ctx); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

const (
	// answerTime bounds a worker's answer; one on a saturated processor takes its time.
	answerTime = 10 * time.Second
	// maxAnswer bounds an answer in bytes: histograms and ticks are some 100 KB.
	maxAnswer = 64 << 20
)

// order has all workers do something.
func (f *forked) order(ctx context.Context, path string) []prefork.Page {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return f.supervisor.Gather(ctx, path, maxAnswer)
}

func (f *forked) start(ctx context.Context) error {
	for _, page := range f.order(ctx, "/start") {
		if page.Err != nil {
			return page.Err
		}
	}
	return nil
}

func (f *forked) hold(ctx context.Context)     { f.order(ctx, "/hold") }
func (f *forked) judge(ctx context.Context)    { f.order(ctx, "/judge") }
func (f *forked) farewell(ctx context.Context) { f.order(ctx, "/farewell") }

func (f *forked) heads(ctx context.Context) (heads []load.Tick) {
	for _, page := range f.order(ctx, "/heads") {
		part, err := load.DecodeHeads(page.Body)
		switch {
		case page.Err != nil || err != nil: // the process has ended, as stats tells
		case heads == nil:
			heads = part
		default:
			load.MergeHeads(heads, part)
		}
	}
	return heads
}

func (f *forked) settle(ctx context.Context, heads []load.Tick) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	f.supervisor.Tell(ctx, "/settle", load.AppendHeads(nil, heads), maxAnswer)
}

func (f *forked) stats(ctx context.Context) (*load.Stats, error) {
	for i, page := range f.order(ctx, "/stats?"+url.Values{knownParam: f.known()}.Encode()) {
		if page.Err != nil {
			f.miss(i, page.Err)
			continue
		}
		s, err := load.DecodeStats(page.Body, f.last[i])
		if err != nil {
			return nil, fmt.Errorf("client process %d: %w", i, err)
		}
		f.last[i] = s
	}
	return f.sum.Of(f.last), errors.Join(f.ended...)
}

// knownParam is the parameter of /stats that says, for each worker, what need not travel again.
const knownParam = "known"

func (f *forked) known() (texts []string) {
	for _, s := range f.last {
		texts = append(texts, s.Known().String())
	}
	return texts
}

// miss deals with a worker that did not answer: late, or gone and its clients with it.
func (f *forked) miss(i int, err error) {
	status := f.supervisor.Workers()[i].Status()
	if f.ended[i] != nil || status.State != prefork.Ended {
		return
	}
	if status.LastExit != "" { // which says more than that there was no answer
		err = errors.New(status.LastExit)
	}
	f.ended[i] = fmt.Errorf("client process %d has ended, and its connections with it: %w", i, err)
	f.last[i] = gone(f.last[i])
}

func (f *forked) close() {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	_ = f.supervisor.Shutdown(ctx) // what it could say was said by stats
}
