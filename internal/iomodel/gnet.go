package iomodel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"

	"tickgate/internal/hub"
)

// errEnded is what a gnet engine leaves behind when it ends by itself: it logs why, and Run returns nil.
var errEnded = errors.New("the gnet engine ended by itself, see its log; it does so when accept(2) fails, for want of descriptors for example")

// errPort refuses a port that would be another one for each of gnet's loops.
var errPort = errors.New("gnet's loops bind one by one and need a port number")

// engine is the server on gnet's own engine. It implements gnet.EventHandler, whose methods run on the event loops, and
// hub.Reader.
type engine struct {
	*core
	began time.Time

	gnet     gnet.Engine   // set before booted is closed
	booted   chan struct{} // the first listener is there
	running  chan struct{} // Run has been called
	stopped  chan struct{} // Stop has been called
	ended    chan error    // gnet.Run has returned
	stopOnce sync.Once
	pacing   sync.WaitGroup // the goroutine of Drain

	mu     sync.RWMutex
	shards []*shard // guarded by mu; one for each event loop that has had a connection
	down   bool     // guarded by mu: the loops end, nothing may be posted any more
}

func newEngine(c *core) *engine {
	return &engine{
		core: c, began: time.Now(), booted: make(chan struct{}), running: make(chan struct{}),
		stopped: make(chan struct{}), ended: make(chan error, 1),
	}
}

// Listen implements Server. It starts the engine, which waits for Run before it accepts.
func (e *engine) Listen(addr string) error {
	if _, port, err := net.SplitHostPort(addr); err != nil || port == "0" {
		return fmt.Errorf("listen on %s: %w", addr, errors.Join(err, errPort))
	}
	if port, ok := strings.CutPrefix(addr, "[::]:"); ok {
		addr = ":" + port // gnet takes [::] for IPv6 only
	}
	go func() { e.ended <- gnet.Run(e, "tcp://"+addr, gnet.WithOptions(e.options())) }()
	select {
	case <-e.booted:
		return nil
	case err := <-e.ended:
		e.ended <- err
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
}

func (e *engine) options() gnet.Options {
	return gnet.Options{
		ReuseAddr: true, ReusePort: true, // a listener for each loop, and other processes beside
		Multicore: true, NumEventLoop: e.cfg.Loops,
		TCPNoDelay: gnet.TCPNoDelay, SocketSendBuffer: e.cfg.SndBuf,
		Ticker: true, Logger: logger{e.cfg.Log},
	}
}

// Run implements Server.
func (e *engine) Run() error {
	e.topic.Attach(e)
	close(e.running)
	err := <-e.ended
	e.topic.Detach(e)
	select {
	case <-e.stopped:
	default:
		err = errors.Join(errEnded, err)
	}
	e.Stop()
	e.pacing.Wait()
	return err
}

// Stop implements Server.
func (e *engine) Stop() {
	e.stopOnce.Do(func() {
		close(e.stopped)
		select {
		case <-e.booted:
			_ = e.gnet.Stop(atOnce()) // it would look every 500 ms whether the engine has ended; Run waits for that
		default:
		}
	})
}

// Drain implements Server.
func (e *engine) Drain(d time.Duration) {
	if e.draining.Swap(true) {
		return
	}
	e.pacing.Go(func() { e.pace(d) })
}

// drainStep is how often a drain sends away those whose time has come.
const drainStep = 20 * time.Millisecond

// pace lets each loop send its clients away evenly over the time d.
func (e *engine) pace(d time.Duration) {
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for end := time.Now().Add(d); ; {
		left := max(time.Until(end), 0)
		e.post(func(s *shard) { s.drain(left, d) })
		if left == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-e.stopped:
			return
		}
	}
}

// News implements hub.Reader: it posts one task to each loop that has none on its way.
func (e *engine) News(*hub.Topic) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, s := range e.shards {
		if s.dirty.CompareAndSwap(false, true) {
			e.postLocked(s, (*shard).fanOut)
		}
	}
}

// post runs task on every event loop. Safe for concurrent use.
func (e *engine) post(task func(*shard)) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, s := range e.shards {
		e.postLocked(s, task)
	}
}

// postLocked posts to one loop. A loop that has ended has closed its eventfd: whoever wrote to it then would write into
// another file.
func (e *engine) postLocked(s *shard, task func(*shard)) {
	if !e.down {
		_ = s.loop.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			task(s)
			return nil
		}))
	}
}

// shardOf returns the shard of an event loop.
func (e *engine) shardOf(loop gnet.EventLoop) *shard {
	e.mu.RLock()
	for _, s := range e.shards {
		if s.loop == loop {
			e.mu.RUnlock()
			return s
		}
	}
	e.mu.RUnlock()
	s := newShard(e, loop)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shards = append(e.shards, s)
	return s
}

// OnBoot implements gnet.EventHandler.
func (e *engine) OnBoot(eng gnet.Engine) gnet.Action {
	e.gnet = eng
	close(e.booted)
	select {
	case <-e.running:
	case <-e.stopped:
	}
	select {
	case <-e.stopped:
		return gnet.Shutdown
	default:
		return gnet.None
	}
}

// OnShutdown implements gnet.EventHandler. It is called before the loops end.
func (e *engine) OnShutdown(gnet.Engine) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = true
}

// OnOpen implements gnet.EventHandler.
func (e *engine) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if err := e.cfg.setTCP(c.Fd()); err != nil {
		e.cfg.Log.Debug("socket options", "error", err)
	}
	e.accepts.Add(1)
	c.SetContext(e.shardOf(c.EventLoop()).add(c))
	return nil, gnet.None
}

// OnTraffic implements gnet.EventHandler.
func (e *engine) OnTraffic(c gnet.Conn) gnet.Action {
	cl := c.Context().(*client)
	b, _ := c.Peek(-1)
	e.bytesIn.Add(uint64(len(b) - cl.kept))
	used, action := cl.onData(b)
	if cl.state == gone {
		return gnet.None // a write has failed, upon which gnet has closed the connection
	}
	cl.kept = len(b) - used
	if used > 0 { // Discard(0) would discard everything
		_, _ = c.Discard(used)
	}
	return action
}

// OnClose implements gnet.EventHandler.
func (e *engine) OnClose(c gnet.Conn, err error) gnet.Action {
	c.Context().(*client).onClose(err)
	return gnet.None
}

// OnTick implements gnet.EventHandler. It runs on a goroutine of its own.
func (e *engine) OnTick() (time.Duration, gnet.Action) {
	e.post((*shard).sweep)
	return e.sweepInterval(), gnet.None
}

// sweepInterval returns a quarter of the shortest timeout, so that none is late by more than that, but no more than a
// second, since the sweep also brings the newest message to clients that have caught up.
func (e *engine) sweepInterval() time.Duration {
	d := 4 * time.Second
	for _, timeout := range []time.Duration{e.cfg.HeaderTimeout, e.cfg.Heartbeat, e.cfg.WriteTimeout, e.cfg.Linger} {
		if timeout > 0 {
			d = min(d, timeout)
		}
	}
	return max(d/4, 10*time.Millisecond)
}
