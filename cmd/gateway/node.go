package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tickgate/internal/bus"
	"tickgate/internal/config"
	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/iomodel"
	"tickgate/internal/publish"
	"tickgate/internal/session"
)

// node is what serves clients in one process: a hub fed by the bus, and the event loops.
type node struct {
	plan  plan
	bus   *bus.Bus
	hub   *hub.Hub
	slab  *epoll.Slab[session.State]
	loops []*session.Loop
	model iomodel.Server // serves instead of loops, nil with --io epoll
	relay *publish.Relay // takes clients' messages to the bus, nil if none may publish

	retopic  chan retopic                  // new settings of topics, for sweep
	topics   atomic.Pointer[config.Topics] // as they hold now
	received atomic.Uint64                 // messages from the bus
	ended    sync.WaitGroup                // the loops and the subscription
	cancel   context.CancelFunc
	failed   chan error // of a loop or the subscription that ended by itself
}

// nodePatience bounds how long a node waits for its share of the stream's history.
const nodePatience = 30 * time.Second

// newNode subscribes to the bus, waits until the topics hold what they should, and listens on addr. Serve follows.
func newNode(ctx context.Context, cfg *config.Config, p plan, b *bus.Bus, addr string) (*node, error) {
	n := &node{
		plan: p, bus: b, slab: epoll.NewSlab[session.State](p.nofile),
		failed: make(chan error, p.loops+1), retopic: make(chan retopic),
	}
	if p.quota != nil {
		n.slab.Share(p.quota)
	}
	n.topics.Store(&cfg.Topics)
	ctx, n.cancel = context.WithCancel(ctx)
	if err := n.subscribe(ctx, cfg, b); err != nil {
		n.close()
		return nil, err
	}
	if err := n.listen(cfg, addr); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// listen makes what serves the clients.
func (n *node) listen(cfg *config.Config, addr string) error {
	if cfg.Server.IO != config.IOEpoll {
		return n.addModel(cfg, addr)
	}
	n.relay = newRelay(cfg, n.bus)
	for range n.plan.loops {
		if err := n.addLoop(cfg, addr); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) addLoop(cfg *config.Config, addr string) error {
	c := sessionConfig(cfg, n)
	n.watch(&c)
	if n.plan.addresses != nil {
		c.Addresses = n.plan.addresses
	}
	var err error
	if c.Publishing, err = n.publishing(cfg); err != nil {
		return err
	}
	l, err := session.NewLoop(c, n.slab)
	if err != nil {
		return err
	}
	if err := l.Listen(addr); err != nil {
		return err
	}
	n.loops = append(n.loops, l)
	return nil
}

func sessionConfig(cfg *config.Config, n *node) session.Config {
	return session.Config{
		Hub: n.hub, DefaultTopic: cfg.Topics.Default, Echo: cfg.Clients.Echo, Compress: cfg.Clients.Compress, Access: access(cfg, n.plan.tokens),
		HeaderBytes:      int(cfg.Clients.HeaderBytes),
		HeaderTimeout:    cfg.Clients.HeaderTimeout,
		HandshakeBacklog: cfg.Clients.HandshakeBacklog,
		MaxInbound:       int(cfg.Clients.MaxInbound),
		MaxInboundRate:   int(cfg.Clients.MaxInboundRate),
		MaxInboundBytes:  int(cfg.Clients.MaxInboundBytes),
		MaxTopics:        cfg.Clients.MaxTopics,
		Proxies:          proxies(&cfg.Addresses),
		Heartbeat:        cfg.Clients.Heartbeat,
		WriteTimeout:     cfg.Clients.WriteTimeout,
		Sockets: epoll.Config{
			SndBuf:       int(cfg.Sockets.SndBuf),
			NotSentLowat: int(cfg.Sockets.NotsentLowat),
			UserTimeout:  cfg.Sockets.UserTimeout,
			KeepAlive:    cfg.Sockets.KeepAlive,
			Nagle:        cfg.Sockets.Nagle,
			Backlog:      cfg.Sockets.Backlog,
			MaxConns:     n.plan.maxConns,
			Slice:        cfg.Sockets.Slice,
		},
	}
}

// serve runs the loops, or the model, until stop.
func (n *node) serve() {
	if n.model != nil {
		n.ended.Go(n.runModel)
	}
	for i, l := range n.loops {
		n.ended.Go(func() {
			if err := l.Run(); err != nil {
				n.failed <- fmt.Errorf("event loop %d: %w", i, err)
			}
		})
	}
}

// drain sends the clients away over the time d and returns when all are gone, or some time after d with an error that
// says how many would not go.
func (n *node) drain(d time.Duration, force <-chan os.Signal) error {
	for _, l := range n.loops {
		l.Drain(d)
	}
	if n.model != nil {
		n.model.Drain(d)
	}
	const linger = 6 * time.Second // a session.Loop resets those that do not close back after 5 s
	deadline := time.After(d + linger)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for n.open() > 0 {
		select {
		case <-force:
			return errForced
		case <-deadline:
			return fmt.Errorf("drain: %d connections were still open after %v", n.open(), d+linger)
		case <-poll.C:
		}
	}
	return nil
}

// open returns the number of open connections.
func (n *node) open() int {
	if n.model != nil {
		return n.model.Open()
	}
	return n.slab.Open()
}

// close ends the loops and the subscription and waits for them.
func (n *node) close() {
	for _, l := range n.loops {
		l.Stop()
	}
	if n.model != nil {
		n.model.Stop()
	}
	n.cancel()
	n.ended.Wait()
	if n.relay != nil {
		n.relay.Close()
	}
}

// historyRings is how many rings full of messages a node reads of the stream's end as it starts, at least one and as far as
// a half of the hub's memory takes them: topics share the stream, so that one ring of it is a fraction of each topic's.
const historyRings = 64

// historyMessage is about what a message takes in the hub beside its share of the stream.
const historyMessage = 200

// startOf returns the sequence from which on a node reads a whole stream.
func startOf(s bus.State, t *config.Topics) uint64 {
	held := s.Last + 1 - s.First
	n := uint64(t.Ring)
	if held > 0 {
		room := uint64(t.Bytes) / 2 / (s.Bytes/held + historyMessage)
		n = max(n, min(room, historyRings*n))
	}
	return s.Last + 1 - min(n, held)
}

// subscribe feeds the hub from the bus and returns once it has the stream's recent history, and of each topic the newest
// message.
func (n *node) subscribe(ctx context.Context, cfg *config.Config, b *bus.Bus) error {
	state, err := b.State(ctx)
	if err != nil {
		return err
	}
	from := startOf(state, &cfg.Topics)
	n.hub = hub.New(hub.Config{
		Epoch: b.Epoch(), Floor: from - 1,
		Topic: topicConfig(cfg.Topics), MaxBytes: int64(cfg.Topics.Bytes),
	})
	if err := n.restore(ctx, b, from); err != nil {
		return err
	}
	n.ended.Go(func() { n.sweep(ctx) })
	sub, err := b.Subscribe(ctx, from, n.publish)
	if err != nil {
		return err
	}
	select {
	case <-sub.CaughtUp():
	case <-sub.Done():
		return errStreamEnded
	case <-time.After(nodePatience):
		return fmt.Errorf("the stream's history (%d messages) did not arrive within %v", state.Last-from+1, nodePatience)
	}
	n.hub.Complete(state.First - 1)
	n.ended.Go(func() {
		<-sub.Done()
		if ctx.Err() == nil {
			n.failed <- errStreamEnded
		}
	})
	return nil
}

// restore gives the hub the newest messages of those topics that have none from sequence from on.
func (n *node) restore(ctx context.Context, b *bus.Bus, from uint64) error {
	ctx, cancel := context.WithTimeout(ctx, nodePatience)
	defer cancel()
	return b.Newest(ctx, from, func(m bus.Msg) {
		n.hub.Restore(hub.Publication{Seq: m.Seq, Topic: m.Topic, Payload: m.Payload, Event: m.Event, Time: m.Time})
	})
}

// publish hands a message of the bus to the hub. The subscription calls it on one goroutine.
func (n *node) publish(m bus.Msg) {
	n.received.Add(1)
	if m.Anew {
		n.hub.Renew(m.Epoch)
	}
	n.plan.ticks.Received(m.Seq, m.Topic, m.Time, m.Payload)
	n.hub.Publish(hub.Publication{Seq: m.Seq, Topic: m.Topic, Payload: m.Payload, Event: m.Event, Time: m.Time, Gap: m.Gap})
	n.plan.ticks.Announced(m.Seq)
}

var errStreamEnded = errors.New("the subscription to the stream ended")
