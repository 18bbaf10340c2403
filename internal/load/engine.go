package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/epoll"
)

// Engine is the swarm's share of one process. Methods are safe for concurrent use, unless they say otherwise.
type Engine struct {
	// Immutable after New.
	cfg    Config
	topics *topics
	slab   *epoll.Slab[client]
	loops  []*loop

	running sync.WaitGroup
	quit    chan struct{} // closed by Stop
	stirred chan struct{} // a loop has something to do at a time of its choosing
	stop    sync.Once
	failed  chan error // of the first loop that broke
}

// The phases of a run, by which latencies are kept apart.
const (
	ramping = iota
	holding
	phases
)

// New returns an engine whose clients are not connected yet. The caller must call Start and then Stop.
func New(cfg Config) (*Engine, error) {
	e := &Engine{cfg: cfg.withDefaults(), quit: make(chan struct{}), stirred: make(chan struct{}, 1), failed: make(chan error, 1)}
	if len(e.cfg.Targets) == 0 {
		return nil, errors.New("make swarm: no target")
	}
	var err error
	if e.topics, err = newTopics(&e.cfg.Subscription); err != nil {
		return nil, fmt.Errorf("make swarm: %w", err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("make swarm: read RLIMIT_NOFILE: %w", err)
	}
	e.slab = epoll.NewSlab[client](int(min(limit.Cur, maxDescriptors)))
	for i := range e.cfg.Loops {
		l, err := newLoop(e, i)
		if err != nil {
			return nil, err
		}
		e.loops = append(e.loops, l)
	}
	return e, nil
}

// maxDescriptors bounds the table of connections where the limit is "unlimited"; it is the kernel's own default bound
// (fs.nr_open).
const maxDescriptors = 1 << 20

// Start begins to connect.
func (e *Engine) Start() {
	for _, l := range e.loops {
		e.running.Go(func() {
			if err := l.ep.Run(); err != nil {
				select {
				case e.failed <- err:
				default:
				}
			}
		})
		l.ep.Post(func() { l.started = time.Now(); l.stir() })
	}
	e.running.Go(e.pace)
}

// paceInterval is how often the loops look at the clock while there is something to do: 100 connects at a time at 10,000
// a second. Otherwise they are left alone: each kick of a process that sleeps costs half a millisecond of processor time in
// the Go runtime, whose monitor then looks around every 20 µs for a while.
const paceInterval = 10 * time.Millisecond

// pace kicks the loops until Stop.
func (e *Engine) pace() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-e.quit:
			return
		case <-e.stirred:
		case <-timer.C:
		}
		if e.kick() {
			timer.Reset(paceInterval)
		}
	}
}

// kick lets the loops that are not idle look at the clock, and reports whether there are any.
func (e *Engine) kick() (restless bool) {
	for _, l := range e.loops {
		if !l.idle.Load() {
			l.ep.Kick()
			restless = true
		}
	}
	return restless
}

// stir has the loops kicked until they are idle again.
func (e *Engine) stir() {
	select {
	case e.stirred <- struct{}{}:
	default: // they will be
	}
}

// Failed carries the error of a loop that broke. It is never closed.
func (e *Engine) Failed() <-chan error { return e.failed }

// Hold ends the ramp: latencies from now on belong to the measurement.
func (e *Engine) Hold() {
	for _, l := range e.loops {
		l.ep.Post(func() { l.holding = holding; l.stir() })
	}
}

// Goal is what every client of a topic should reach: the newest message at some moment.
type Goal struct {
	Newest uint64
	// Since is when the message was due, in Unix nanoseconds: clients that were opened later are not expected to reach
	// it, but for those that resumed where nothing may be skipped.
	Since int64
}

// Settle sets the goals: heads is the newest message of each topic, as Heads returns them; any other number of them sets
// none. From then on Stats.Behind counts the clients that have not reached them.
func (e *Engine) Settle(heads []Tick) {
	if len(heads) != e.topics.count() {
		return
	}
	goals := make([]Goal, len(heads))
	for i, t := range heads {
		goals[i] = Goal{Newest: t.Seq, Since: t.due()}
	}
	for _, l := range e.loops {
		l.ep.Post(func() { l.goals = goals })
	}
}

// Judge counts what the clients that have not reached the goals have lost; it is to be called once.
func (e *Engine) Judge() {
	for _, l := range e.loops {
		l.ep.Post(l.condemn)
	}
}

// Farewell makes all clients say goodbye; none comes back. Stats tell when nobody is left.
func (e *Engine) Farewell() {
	for _, l := range e.loops {
		l.ep.Post(func() { l.farewell = true; l.stir() })
	}
}

// Stop ends the loops, resetting what is still connected, and waits for them.
func (e *Engine) Stop() {
	e.stop.Do(func() { close(e.quit) })
	for _, l := range e.loops {
		l.ep.Stop()
	}
	e.running.Wait()
}

// Heads returns the newest message of each topic, without Last and Count; one without messages has no First. The error
// is that of ctx: a loop did not answer in time.
func (e *Engine) Heads(ctx context.Context) ([]Tick, error) {
	answers := make(chan []Tick, len(e.loops))
	for _, l := range e.loops {
		if !l.ep.Post(func() { answers <- slices.Clone(l.heads) }) {
			return nil, errors.New("read the newest messages: the loop has ended")
		}
	}
	heads := make([]Tick, e.topics.count())
	for range e.loops {
		select {
		case other := <-answers:
			MergeHeads(heads, other)
		case <-ctx.Done():
			return nil, fmt.Errorf("read the newest messages: %w", context.Cause(ctx))
		}
	}
	return heads, nil
}

// Stats returns what all loops have seen. The error is that of ctx: a loop did not answer in time.
func (e *Engine) Stats(ctx context.Context) (*Stats, error) {
	answers := make(chan *Stats, len(e.loops))
	for _, l := range e.loops {
		if !l.ep.Post(func() { answers <- l.snapshot() }) {
			return nil, errors.New("read the swarm's counters: the loop has ended")
		}
	}
	sum := &Stats{At: time.Now(), Busy: processTime()}
	for range e.loops {
		select {
		case s := <-answers:
			sum.Add(s)
		case <-ctx.Done():
			return nil, fmt.Errorf("read the swarm's counters: %w", context.Cause(ctx))
		}
	}
	return sum, nil
}
