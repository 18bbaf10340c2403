package load

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tickgate/internal/epoll"
)

// loop runs a part of an engine's clients on one event loop. It implements epoll.Handler[client]. All methods are for
// the event loop only, unless they say otherwise.
type loop struct {
	// Immutable after newLoop.
	cfg    *Config
	ep     *epoll.Loop[client]
	deal   deal
	topics *topics
	step   int // clients of this loop are step apart
	share  float64
	id     field  // of a message, to resume with
	header string // Config.Headers as they go onto the wire
	kick   func() // has OnWork called from time to time until idle; safe for concurrent use

	// Safe for concurrent use.
	idle atomic.Bool // there is nothing to dial, await or churn

	// Owned by the event loop.
	book
	crowd
	absence absence
	rng     *rand.Rand
	seed    uint64 // makes the nonces of two runs differ
	scratch []byte
	goals   []Goal // of the topics; nil before Engine.Settle
}

// book is what a loop has measured.
type book struct {
	tallies   [Transports]Tally
	faults    Faults
	latency   [phases][Transports]*hist
	holding   int // index into latency
	connect   *hist
	handshake *hist
	lag       *hist
	ticks     tickRing
	heads     []Tick // the newest message of each topic, without Last and Count
	readable  readable
	stamps    stamps
	newest    Tick  // of heads
	opened    int64 // Unix nanoseconds of the last handshake
}

func newBook(topics int) book {
	b := book{
		connect: newCounts(), handshake: newCounts(), lag: newCounts(), readable: newReadable(),
		ticks: newTickRing(topics), heads: make([]Tick, topics),
	}
	for phase := range b.latency {
		for t := range b.latency[phase] {
			b.latency[phase][t] = newCounts()
		}
	}
	return b
}

// crowd is which of a loop's clients is where.
type crowd struct {
	next    int     // number of the next client to dial for the first time
	end     int     // the first number that is not this engine's
	roster  []*conn // the open connections, in no order
	open    [Transports]int
	slow    int
	dialing int
	gaveUp  int
	away    awayHeap
	source  rotation
	ids     idRing
	lastIDs map[uint32]string // of clients that are not connected, by number
	views   views
	spill   map[int32][]byte // input of connections in the middle of a long message
	chunked []unchunker      // by descriptor, see there

	started   time.Time // when the ramp began
	dialed    int       // first dials since
	churned   float64   // clients that should have left since the ramp was complete
	churnedAt time.Time
	farewell  bool // everybody leaves and nobody comes
}

// newLoop returns loop number i of e. It tells e when it is not idle any more.
func newLoop(e *Engine, i int) (*loop, error) {
	cfg, topics := &e.cfg, e.topics
	l := &loop{
		cfg: cfg, kick: e.stir, deal: newDeal(cfg), topics: topics, step: cfg.Loops, share: 1 / float64(cfg.Loops),
		book: newBook(topics.count()), absence: newAbsence(cfg),
		rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), seed: rand.Uint64(),
	}
	l.id = newField(cfg.IDField)
	l.stamps = newStamps(cfg, topics)
	l.header = joinFields(cfg.Headers)
	l.next, l.end = cfg.First+i, cfg.First+cfg.Count
	l.views, l.ids = newViews(topics.perClient(), l.next, l.end, l.step), newIDRing(topics.count())
	l.source = rotation{addrs: cfg.Sources, next: i}
	l.spill, l.lastIDs = make(map[int32][]byte), make(map[uint32]string)
	var err error
	l.ep, err = epoll.NewLoop(epoll.Config{
		RcvBuf: cfg.RcvBuf, MaxLeftover: maxLeftover, Linger: farewellTime, Coalesce: max(cfg.Coalesce, 1),
		EdgeTriggered: true, Unlocked: true,
	}, e.slab, l)
	if err != nil {
		return nil, fmt.Errorf("swarm: %w", err)
	}
	return l, nil
}

const (
	// maxLeftover is how much unfinished input stays with the epoll.Loop; longer input moves to crowd.spill.
	maxLeftover = 32 << 10
	// farewellTime bounds the wait for the server's side of a close.
	farewellTime = 2 * time.Second
)

// nonce returns the 16 random bytes of a client's WebSocket handshake. They are computed and not stored: the answer is
// checked against the same computation.
func (l *loop) nonce(c *client) (n [16]byte) {
	src := rand.NewPCG(uint64(c.index)<<8|uint64(c.attempts), uint64(c.mark)^l.seed)
	for i := range n {
		n[i] = byte(src.Uint64() >> 32)
	}
	return n
}

func (l *loop) target(c *client) *Target { return &l.cfg.Targets[c.target] }

func (l *loop) tally(c *client) *Tally {
	if c.flags&flagReturner != 0 {
		return &l.absence.tallies[l.target(c).Transport]
	}
	return &l.tallies[l.target(c).Transport]
}

// enrol adds an open connection to the roster.
func (l *loop) enrol(c *conn) {
	s := c.State()
	s.place = int32(len(l.roster))
	l.roster = append(l.roster, c)
	l.open[l.target(s).Transport]++
	if s.flags&flagSlow != 0 {
		l.slow++
	}
}

// strike takes an open connection off the roster.
func (l *loop) strike(c *conn) {
	s := c.State()
	last := l.roster[len(l.roster)-1]
	l.roster[s.place] = last
	last.State().place = s.place
	l.roster = l.roster[:len(l.roster)-1]
	l.open[l.target(s).Transport]--
	if s.flags&flagSlow != 0 {
		l.slow--
	}
}
