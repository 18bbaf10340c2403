package session

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/forwarded"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// Loop is one event loop and the sessions on it. But for Run, Stop, Drain and Snapshot its methods are for its
// own goroutine; those with names that start with On are for package epoll.
type Loop struct {
	cfg    Config // immutable after NewLoop
	epoll  *epoll.Loop[State]
	fanout *hub.Fanout

	// Owned by the event loop.
	request     wire.Request
	subscribe   wire.Subscribe
	limits      wire.Limits
	out         []byte // scratch for answers and control frames
	split       split  // scratch for SendMany
	inbound     inbound
	proxyHeader forwarded.Parser
	chain       forwarded.Chain
	random      *rand.Rand
	waiting     map[int32]*waiter // by descriptor
	openings    openings
	envelopes   envelopes
	handshakes  int
	held        bool // accepting is paused because of HandshakeBacklog
	drain       time.Duration
	draining    bool
	counters    Counters

	answered atomic.Pointer[Snapshot] // the last one taken
}

// NewLoop returns an event loop whose connections are kept in slab, which all loops of the process share.
func NewLoop(cfg Config, slab *epoll.Slab[State]) (*Loop, error) {
	l := &Loop{
		cfg:     cfg.withDefaults(),
		out:     make([]byte, 0, 4<<10),
		random:  rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		waiting: make(map[int32]*waiter),
		counters: Counters{
			Closed: make(map[string]uint64), Refused: make(map[string]uint64), CommandErrors: make(map[string]uint64),
		},
		openings: openings{asked: make(map[string]map[int32]struct{})}, envelopes: newEnvelopes(),
	}
	l.inbound = newInbound(&l.cfg)
	l.limits = wire.Limits{Server: true, MaxMessage: int64(l.cfg.MaxInbound)}
	sockets := l.cfg.Sockets
	sockets.Refusal = l.refusal
	var err error
	if l.epoll, err = epoll.NewLoop(sockets, slab, l); err != nil {
		return nil, err
	}
	l.fanout = hub.NewFanout(hub.FanoutConfig{
		Sink: l, Kick: l.epoll.Kick, Seed: rand.Uint64(), Watcher: cfg.Watcher, Wake: l.epoll.KickAfter,
	})
	return l, nil
}

// Listen makes the loop accept connections on addr, beside other loops and processes that do. Call it before Run.
func (l *Loop) Listen(addr string) error {
	_, err := l.epoll.Listen(addr)
	return err
}

// Run serves until Stop. What is still open then is reset.
func (l *Loop) Run() error {
	defer l.fanout.Close()
	return l.epoll.Run()
}

// Stop ends Run. Safe for concurrent use.
func (l *Loop) Stop() { l.epoll.Stop() }

// OnOpen implements epoll.Handler.
func (l *Loop) OnOpen(c *conn) {
	l.counters.Sessions[HTTP][Handshake]++
	l.handshakes++
	if l.handshakes >= l.cfg.HandshakeBacklog && !l.held {
		l.held = true
		l.counters.BacklogPauses++
		l.epoll.PauseAccept()
	}
	l.epoll.SetTimer(c, l.cfg.HeaderTimeout)
}

// OnData implements epoll.Handler.
func (l *Loop) OnData(c *conn, b []byte) int {
	switch s := c.State(); {
	case s.phase == Handshake:
		return l.onHead(c, b)
	case s.transport == SSE: // an event stream has no way up
		l.onUpstream(c, len(b))
		return len(b)
	default:
		return l.onFrames(c, b)
	}
}

// OnWritable implements epoll.Handler.
func (l *Loop) OnWritable(c *conn) {
	l.epoll.ResumeRead(c)
	l.fanout.Resume(c.State().first)
}

// OnClose implements epoll.Handler.
func (l *Loop) OnClose(c *conn, reason epoll.Reason, _ error) {
	s := c.State()
	l.fanout.UnsubscribeAll(s.first)
	l.uncount(s)
	if s.phase == Handshake {
		l.forgetWaiter(c.FD())
		l.headDone()
	}
	if s.transport == Envelope {
		l.forgetEnvelope(c)
	}
	l.counters.Sessions[s.transport][s.phase]--
	l.counters.Closed[ReasonName(reason)]++
}

// OnWork implements epoll.Handler.
func (l *Loop) OnWork(budget int) bool {
	left := budget - l.goOn(budget/4) // messages go before sessions that begin
	more := l.fanout.Work(max(1, left))
	return more || len(l.openings.ready) > 0
}

// headDone counts a handshake out and lets connections in again that were held back.
func (l *Loop) headDone() {
	l.handshakes--
	if l.held && l.handshakes < l.cfg.HandshakeBacklog-l.cfg.HandshakeBacklog/8 {
		l.held = false
		l.epoll.ResumeAccept()
	}
}

// finish sends what is in l.out as the last of a session and ends it in good order.
func (l *Loop) finish(c *conn, reason epoll.Reason) {
	l.epoll.Write(c, l.out)
	l.close(c, reason)
}

// close ends a session in good order: what is unsent goes out first. It gets no more messages.
func (l *Loop) close(c *conn, reason epoll.Reason) {
	s := c.State()
	if s.phase == Handshake {
		l.headDone()
	}
	if s.transport == Envelope {
		l.forgetEnvelope(c)
	}
	l.fanout.UnsubscribeAll(s.first)
	s.first = 0
	l.enter(c, s.transport, Closing)
	l.epoll.Close(c, reason)
}

// jitter returns a random duration from least to least+spread, so that clients that are sent away together do not come
// back together.
func (l *Loop) jitter(least, spread time.Duration) time.Duration {
	return least + time.Duration(l.random.Int64N(int64(spread)+1))
}
