package hub

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tickgate/internal/topic"
)

// switchboard is the naive hub for connections with several subscriptions, to topics and patterns: a list of all
// messages and, per connection, the sequence of the last one delivered.
type switchboard struct {
	*bench
	random *rand.Rand
	sent   []posted
	newest map[string]uint64 // by topic
	conns  map[int32]*caller
	nextID int32

	multiple, gaps, views, back int // how much of what is to be tested has happened
}

// posted is a message as the model knows it.
type posted struct {
	seq, pos uint64
	topic    *Topic
}

// caller is a connection: what it has got, and what it is owed.
type caller struct {
	first   SubID
	blocked bool
	last    uint64 // sequence of the last message delivered
	top     uint64 // highest sequence delivered before a replay that began later
	got     map[uint64]bool
	open    map[string]*claim
}

// claim is what one subscription is owed: what comes after a sequence, and of what was before some.
type claim struct {
	after   uint64
	history map[uint64]bool
	lenient bool   // what the rings drop of the history is not missed
	told    uint64 // likewise of what is up to this sequence: the client knows of a gap there
}

func (c *claim) has(seq uint64) bool { return seq > c.after || c.history[seq] }

var (
	modelTopics   = []string{"a.x", "a.y", "b.x", "b.y", "c"}
	modelPatterns = []string{"a.x", "b.x", "c", "a.*", "*.x", ">", "b.>", "*", "nobody.*"}
)

// TestViewsAgainstAModel does random things in random order. Every delivery is checked for order and against what may be
// skipped, every overrun and every gap for a message that is really gone.
func TestViewsAgainstAModel(t *testing.T) {
	var multiple, gaps, views, back int
	for seed := range uint64(50) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newSwitchboard(t, seed)
			for range 1500 {
				m.act()
			}
			m.settle()
			multiple, gaps, views, back = multiple+m.multiple, gaps+m.gaps, views+m.views, back+m.back
		})
	}
	if multiple < 1000 || gaps < 100 || views < 1000 || back < 100 {
		t.Errorf("got %d deliveries that several subscriptions claimed, %d gaps, %d views opened, %d replays on open connections; want more of each", multiple, gaps, views, back)
	}
}

func newSwitchboard(t *testing.T, seed uint64) *switchboard {
	random := rand.New(rand.NewPCG(seed, 1))
	m := &switchboard{
		bench: &bench{recorder: newRecorder(t)}, random: random,
		newest: map[string]uint64{}, conns: map[int32]*caller{},
	}
	configs := map[string]TopicConfig{}
	for _, name := range modelTopics {
		configs[name] = TopicConfig{Policy: Policy(random.IntN(2)), RingSize: 2 + random.IntN(30)}
		if random.IntN(4) == 0 {
			configs[name] = TopicConfig{Policy: configs[name].Policy, TTL: time.Duration(20 + random.IntN(100))}
		}
	}
	budget := int64(0) // the default, too large to matter
	if seed%3 == 0 {
		budget = 9000 + random.Int64N(20_000)
	}
	m.hub = New(Config{Epoch: "e1", MaxBytes: budget, Topic: func(name string) TopicConfig { return configs[name] }})
	m.fanout = NewFanout(FanoutConfig{Sink: m, Kick: func() { m.kicks++ }, Seed: seed})
	return m
}

func (m *switchboard) act() {
	switch n := m.random.IntN(100); {
	case n < 30:
		m.publishSome()
	case n < 42 && len(m.conns) < 30:
		m.connect(nil, nil)
	case n < 48:
		m.disconnect(m.pick())
	case n < 52:
		m.unsubscribe(m.pick())
	case n < 56:
		m.add(m.pick())
	case n < 64:
		m.block(m.pick())
	case n < 73:
		m.unblock(m.pick())
	case n < 76:
		m.hub.Sweep(time.Unix(0, int64(m.seq)), m.random.IntN(8))
	default:
		m.fanout.Work(1 + m.random.IntN(40))
	}
}

func (m *switchboard) publishSome() {
	name := modelTopics[m.random.IntN(len(modelTopics))]
	for range 1 + m.random.IntN(4) {
		m.seq += 1 + uint64(m.random.IntN(3))
		m.publishTo(name, m.seq)
		t := m.hub.Lookup(name)
		m.sent = append(m.sent, posted{m.seq, t.Head(), t})
		m.newest[name] = m.seq
	}
}

// connect subscribes a new connection to some patterns, all of them from the same place.
func (m *switchboard) connect(patterns []string, since *uint64) {
	m.nextID++
	c := &caller{open: map[string]*claim{}, got: map[uint64]bool{}}
	m.conns[m.nextID] = c
	if patterns == nil {
		for range 1 + m.random.IntN(4) {
			patterns = append(patterns, modelPatterns[m.random.IntN(len(modelPatterns))])
		}
	}
	if n := m.random.IntN(2); since == nil && n == 0 {
		seq := uint64(m.random.Int64N(int64(m.seq + 4)))
		since = &seq
	}
	n := m.random.IntN(12) - 1
	for _, p := range patterns {
		if c.open[p] == nil {
			m.subscribe(m.nextID, c, p, since, n)
		}
	}
}

func (m *switchboard) subscribe(conn int32, c *caller, pattern string, since *uint64, n int) {
	t, err := m.hub.Open(pattern)
	if err != nil {
		m.tb.Fatalf("Open(%q): %v", pattern, err)
	}
	if t.view != nil {
		m.views++
	}
	cl := &claim{after: m.seq, history: map[uint64]bool{}}
	c.open[pattern] = cl
	var cursor Cursor
	switch {
	case since != nil:
		cursor = m.seek(t, pattern, cl, *since)
	case n < 0:
		cursor, cl.lenient = t.Default(), true
		m.lastOf(pattern, cl, func(t *Topic) int { return t.Policy().DefaultLast() })
	default:
		cursor, cl.lenient = t.Last(n), true
		m.lastOf(pattern, cl, func(*Topic) int { return n })
	}
	cl.lenient = cl.lenient && t.view != nil
	c.first = m.fanout.Subscribe(c.first, conn, t, cursor)
}

// seek claims what came after a sequence, and checks what Seek says of it.
func (m *switchboard) seek(t *Topic, pattern string, cl *claim, since uint64) Cursor {
	cl.after = max(cl.after, since)
	want := false
	for _, p := range m.behind(since) {
		if topic.Match(pattern, p.topic.Name()) {
			cl.history[p.seq] = m.held(p)
			if !m.held(p) {
				want = true
				if t.view != nil && p.topic.Policy() == All {
					cl.told = max(cl.told, p.seq)
				}
			}
		}
	}
	cursor, gap := t.Seek(since)
	if gap != want {
		m.tb.Fatalf("%q: Seek(%d): got gap %v, want %v", pattern, since, gap, want)
	}
	if gap {
		m.gaps++
	}
	return cursor
}

// lastOf claims the newest messages of each topic.
func (m *switchboard) lastOf(pattern string, cl *claim, n func(*Topic) int) {
	for _, p := range m.sent {
		if topic.Match(pattern, p.topic.Name()) && m.held(p) && p.pos+uint64(n(p.topic)) > p.topic.Head() {
			cl.history[p.seq] = true
		}
	}
}

// behind returns the messages with higher sequences.
func (m *switchboard) behind(seq uint64) []posted {
	i, _ := slices.BinarySearchFunc(m.sent, seq+1, func(p posted, seq uint64) int { return cmp.Compare(p.seq, seq) })
	return m.sent[i:]
}

func (m *switchboard) held(p posted) bool { return p.pos >= p.topic.Oldest() }

// SendMany checks each delivery.
func (m *switchboard) SendMany(msg *Message, conns []int32, out []Delivery) {
	for i, conn := range conns {
		c := m.conns[conn]
		switch {
		case c == nil:
			m.tb.Fatalf("conn %d: message for a connection that has left", conn)
		case c.blocked:
			out[i] = Blocked
		case m.random.IntN(25) == 0:
			c.blocked, out[i] = true, Blocked
		case m.random.IntN(200) == 0:
			m.disconnect(conn) // a failed send
			out[i] = Gone
		default:
			m.check(conn, c, msg)
			out[i] = Delivered
		}
	}
}

func (m *switchboard) check(conn int32, c *caller, msg *Message) {
	if msg.Seq() <= c.last {
		m.tb.Fatalf("conn %d: got message %d after %d", conn, msg.Seq(), c.last)
	}
	if c.got[msg.Seq()] && msg.Seq() > c.top {
		m.tb.Fatalf("conn %d: got message %d twice", conn, msg.Seq())
	}
	claims := m.claims(c, posted{msg.Seq(), msg.Pos(), msg.Topic()})
	if claims == 0 {
		m.tb.Fatalf("conn %d: got message %d of %q, which it did not ask for", conn, msg.Seq(), msg.Topic().Name())
	}
	if claims > 1 {
		m.multiple++
	}
	for _, p := range m.behind(c.last) {
		if p.seq < msg.Seq() && !c.got[p.seq] && m.owed(c, p) {
			m.tb.Fatalf("conn %d: got message %d after %d, want %d of %q first", conn, msg.Seq(), c.last, p.seq, p.topic.Name())
		}
	}
	c.last = msg.Seq()
	c.got[c.last] = true
}

// claims returns how many subscriptions ask for a message.
func (m *switchboard) claims(c *caller, p posted) (n int) {
	for pattern, cl := range c.open {
		if topic.Match(pattern, p.topic.Name()) && cl.has(p.seq) {
			n++
		}
	}
	return n
}

// owed reports whether a message may not be skipped.
func (m *switchboard) owed(c *caller, p posted) bool {
	for pattern, cl := range c.open {
		switch {
		case !topic.Match(pattern, p.topic.Name()), !cl.has(p.seq):
		case p.topic.Policy() == Latest && (p.seq != m.newest[p.topic.Name()] || !m.held(p)):
		case (cl.lenient && cl.history[p.seq] || p.seq <= cl.told) && !m.held(p):
		default:
			return true
		}
	}
	return false
}

// Overrun checks that a message is really gone, and lets the client come back.
func (m *switchboard) Overrun(conn int32, t *Topic) {
	c := m.conns[conn]
	gone := false
	for _, p := range m.behind(c.last) {
		gone = gone || topic.Match(t.Name(), p.topic.Name()) && m.owed(c, p) && !m.held(p)
	}
	if !gone {
		m.tb.Fatalf("conn %d: overrun of %q after message %d, though nothing is missing", conn, t.Name(), c.last)
	}
	var patterns []string
	for p := range c.open {
		patterns = append(patterns, p)
	}
	last := c.last
	m.disconnect(conn)
	m.connect(patterns, &last)
}

func (m *switchboard) pick() int32 {
	if m.nextID == 0 {
		return 0
	}
	return 1 + m.random.Int32N(m.nextID)
}

func (m *switchboard) disconnect(conn int32) {
	if c := m.conns[conn]; c != nil {
		m.fanout.UnsubscribeAll(c.first)
		delete(m.conns, conn)
	}
}

func (m *switchboard) unsubscribe(conn int32) {
	if c := m.conns[conn]; c != nil {
		pattern := modelPatterns[m.random.IntN(len(modelPatterns))]
		if c.open[pattern] != nil {
			t, _ := m.hub.Open(pattern)
			c.first = m.fanout.Unsubscribe(c.first, t)
			delete(c.open, pattern)
		}
	}
}

// add subscribes a connection to one more pattern, from now on or with a replay, which goes back.
func (m *switchboard) add(conn int32) {
	if c := m.conns[conn]; c != nil {
		pattern := modelPatterns[m.random.IntN(len(modelPatterns))]
		switch since := uint64(m.random.Int64N(int64(m.seq + 1))); {
		case c.open[pattern] != nil:
		case m.random.IntN(2) == 0:
			m.subscribe(conn, c, pattern, nil, 0)
		default:
			m.subscribe(conn, c, pattern, &since, 0)
			c.top = max(c.top, c.last)
			c.last = min(c.last, since)
			m.back++
		}
	}
}

func (m *switchboard) block(conn int32) {
	if c := m.conns[conn]; c != nil {
		c.blocked = true
	}
}

func (m *switchboard) unblock(conn int32) {
	if c := m.conns[conn]; c != nil && c.blocked {
		c.blocked = false
		m.fanout.Resume(c.first)
	}
}

// settle lets everybody catch up, and checks that nobody is owed anything.
func (m *switchboard) settle() {
	for again := true; again; {
		m.drain()
		again = false
		for conn := range m.nextID {
			again = again || m.conns[conn+1] != nil && m.conns[conn+1].blocked
			m.unblock(conn + 1)
		}
	}
	open := 0
	for conn, c := range m.conns {
		open += len(c.open)
		for _, p := range m.behind(c.last) {
			if !c.got[p.seq] && m.owed(c, p) {
				m.tb.Fatalf("conn %d: ended at message %d, want %d of %q", conn, c.last, p.seq, p.topic.Name())
			}
		}
	}
	if got := m.fanout.Stats().Subscriptions; got != open {
		m.tb.Errorf("subscriptions: got %d, want %d", got, open)
	}
	if got := m.hub.Stats(); got.Bytes > m.hub.budget.limit {
		m.tb.Errorf("memory: got %d B, want at most %d B", got.Bytes, m.hub.budget.limit)
	}
	if got := len(m.fanout.histories); got != 0 {
		m.tb.Errorf("histories left: got %d, want none", got)
	}
}
