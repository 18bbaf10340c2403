package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tickgate/internal/topic"
)

// screens is the naive hub for paced subscriptions: it knows every message, what each client asked for, and when it got what.
type screens struct {
	*bench
	random  *rand.Rand
	now     time.Time // the simulated clock
	wakeAt  time.Time // when the loop calls Work by itself; zero: not
	sent    []shown
	clients map[int32]*screen // by connection
	nextID  int32
	stable  bool // no client leaves or blocks
	skipped uint64
	late    int
}

// shown is a published message.
type shown struct {
	posted
	at time.Time
}

// screen is a client: it comes back with the last id that it has seen.
type screen struct {
	wishes  []wish
	since   uint64 // nothing up to this sequence is owed to it
	token   uint64 // the id it would resume from
	joined  uint64 // the newest message when it connected; what is older may come without an id
	first   SubID
	blocked bool
	woken   time.Time // when it was blocked or disconnected last
	got     map[uint64]int
	last    map[string]seen // by topic, since it has connected
}

type wish struct {
	pattern  string
	interval time.Duration // 0: not paced
}

type seen struct {
	at  time.Time
	pos uint64
}

// modelTick is the resolution of the simulated loop's timer.
const modelTick = 100 * time.Millisecond

var modelIntervals = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, 333 * time.Millisecond, time.Second, 5 * time.Second,
}

// TestPacingAgainstAModel does random things in random order, under a simulated clock.
func TestPacingAgainstAModel(t *testing.T) {
	var skipped uint64
	late := 0
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			m := newScreens(t, seed)
			m.publishSome() // there is an id from the start on
			for range 800 {
				m.act()
			}
			m.settle()
			skipped, late = skipped+m.skipped, late+m.late
		})
	}
	if skipped < 10_000 || late < 500 {
		t.Errorf("got %d messages skipped and %d late, want more of each", skipped, late)
	}
}

func newScreens(t *testing.T, seed uint64) *screens {
	m := &screens{
		bench: &bench{recorder: newRecorder(t)}, random: rand.New(rand.NewPCG(seed, 2)),
		now: time.Unix(1000, 0), clients: map[int32]*screen{}, stable: seed%3 == 0,
	}
	policies := map[string]Policy{}
	for _, name := range modelTopics {
		policies[name] = Policy(m.random.IntN(2))
	}
	m.hub = New(Config{Epoch: "e1", Topic: func(name string) TopicConfig { return TopicConfig{Policy: policies[name], RingSize: 1 << 16} }})
	m.fanout = NewFanout(FanoutConfig{
		Sink: m, Kick: func() { m.kicks++ }, Seed: seed, Clock: func() time.Time { return m.now },
		Wake: func(d time.Duration) { m.wakeAt = m.now.Add(d).Truncate(modelTick).Add(modelTick) },
	})
	return m
}

func (m *screens) act() {
	switch n := m.random.IntN(100); {
	case n < 40:
		m.publishSome()
	case n < 45 && len(m.clients) < 20:
		m.nextID++
		m.connect(m.nextID, &screen{wishes: m.choose(), since: m.seq, got: map[uint64]int{}})
	case n < 65:
		m.fanout.Work(1 + m.random.IntN(20))
	case n < 85 || m.stable:
		m.pass(time.Duration(m.random.IntN(300)) * time.Millisecond)
	case n < 90:
		m.comeBack(m.pick())
	case n < 95:
		if c := m.clients[m.pick()]; c != nil {
			c.blocked, c.woken = true, m.now
		}
	default:
		m.unblock(m.pick())
	}
}

func (m *screens) choose() (wishes []wish) {
	for _, i := range m.random.Perm(len(modelPatterns))[:1+m.random.IntN(4)] {
		w := wish{pattern: modelPatterns[i]}
		if m.random.IntN(4) > 0 {
			w.interval = modelIntervals[m.random.IntN(len(modelIntervals))]
		}
		wishes = append(wishes, w)
	}
	return wishes
}

func (m *screens) publishSome() {
	for range 1 + m.random.IntN(4) {
		name := modelTopics[m.random.IntN(len(modelTopics))]
		m.seq++
		m.publishTo(name, m.seq)
		t := m.hub.Lookup(name)
		m.sent = append(m.sent, shown{posted{m.seq, t.Head(), t}, m.now})
	}
}

// connect begins with what comes next, or behind what the client has.
func (m *screens) connect(conn int32, c *screen) {
	m.clients[conn] = c
	c.first, c.blocked, c.last, c.woken = 0, false, map[string]seen{}, m.now
	c.joined = m.seq
	for _, w := range c.wishes {
		t, err := m.hub.Open(w.pattern)
		if err != nil {
			m.tb.Fatal(err)
		}
		cursor, id := t.Last(0), fmt.Sprint("e1-", c.token)
		switch {
		case c.token == 0:
		case w.interval > 0:
			cursor, _ = t.Rejoin(id)
		default:
			cursor, _ = t.Resume(id)
		}
		c.first = m.fanout.Subscribe(c.first, conn, t, cursor.Paced(w.interval))
	}
	if c.token == 0 { // who has no id cannot resume; this one has the newest
		c.token = m.seq
	}
}

func (m *screens) comeBack(conn int32) {
	if c := m.clients[conn]; c != nil {
		m.fanout.UnsubscribeAll(c.first)
		delete(m.clients, conn)
		m.nextID++
		m.connect(m.nextID, c)
	}
}

func (m *screens) unblock(conn int32) {
	if c := m.clients[conn]; c != nil && c.blocked {
		c.blocked, c.woken = false, m.now
		m.fanout.Resume(c.first)
	}
}

func (m *screens) pick() int32 { return 1 + m.random.Int32N(m.nextID+1) }

// pass lets time pass, and the loop wake up as it asked for.
func (m *screens) pass(d time.Duration) {
	end := m.now.Add(d)
	for m.drain(); !m.wakeAt.IsZero() && !m.wakeAt.After(end); m.drain() {
		m.now, m.wakeAt = m.wakeAt, time.Time{}
	}
	m.now = end
	m.drain()
	m.checkTimely()
}

// SendMany checks what is delivered.
func (m *screens) SendMany(msg *Message, conns []int32, out []Delivery) {
	for i, conn := range conns {
		c := m.clients[conn]
		switch {
		case c == nil:
			m.tb.Fatalf("conn %d: message for a connection that has left", conn)
		case c.blocked:
			out[i] = Blocked
		case !m.stable && m.random.IntN(50) == 0:
			c.blocked, c.woken, out[i] = true, m.now, Blocked
		default:
			m.check(conn, c, msg)
			out[i] = Delivered
		}
	}
}

func (m *screens) check(conn int32, c *screen, msg *Message) {
	name := msg.Topic().Name()
	paced, all := c.selecting(name)
	before := c.last[name]
	switch interval := c.interval(name); {
	case all == 0:
		m.tb.Fatalf("conn %d: got message %d of %q, which it did not ask for", conn, msg.Seq(), name)
	case msg.isLate != (msg.Seq() <= c.token) && msg.Seq() > c.joined, !msg.isLate && msg.Seq() <= c.token:
		m.tb.Fatalf("conn %d: got message %d of %s behind id %d, late %v", conn, msg.Seq(), name, c.token, msg.isLate)
	case msg.isLate && paced < all && msg.Topic().Policy() == All:
		m.tb.Fatalf("conn %d: got message %d of %q late, though it is not paced", conn, msg.Seq(), name)
	case msg.Pos() <= before.pos:
		m.tb.Fatalf("conn %d: got message %d of %q again, or after a newer one", conn, msg.Seq(), name)
	case all == 1 && paced == 1 && m.now.Sub(before.at) < interval:
		m.tb.Fatalf("conn %d: got messages of %q within %v, want at most one in %v", conn, name, m.now.Sub(before.at), interval)
	}
	if msg.isLate {
		m.late++
	} else {
		c.token = msg.Seq()
	}
	c.got[msg.Seq()]++
	c.last[name] = seen{m.now, msg.Pos()}
}

// selecting returns how many subscriptions select a topic.
func (c *screen) selecting(name string) (paced, all int) {
	for _, w := range c.wishes {
		if topic.Match(w.pattern, name) {
			all++
			if w.interval > 0 {
				paced++
			}
		}
	}
	return paced, all
}

// interval returns the longest one for a topic.
func (c *screen) interval(name string) (d time.Duration) {
	for _, w := range c.wishes {
		if topic.Match(w.pattern, name) {
			d = max(d, w.interval)
		}
	}
	return d
}

func (m *screens) Overrun(conn int32, t *Topic) {
	m.tb.Fatalf("conn %d: overrun of %q, though nothing is lost", conn, t.Name())
}

// checkTimely checks that nobody waits for a topic's newest message longer than its interval and a tick.
func (m *screens) checkTimely() {
	newest := map[*Topic]shown{}
	for _, s := range m.sent {
		newest[s.topic] = s
	}
	for conn, c := range m.clients {
		for t, s := range newest {
			latest := s.at
			if c.woken.After(latest) {
				latest = c.woken
			}
			_, all := c.selecting(t.Name())
			if c.blocked || all == 0 || s.seq <= c.since || m.now.Sub(latest) < c.interval(t.Name())+modelTick {
				continue
			}
			if c.got[s.seq] == 0 {
				m.tb.Fatalf("conn %d: %v after message %d of %q it has got only position %d of that topic (%v)", conn, m.now.Sub(latest), s.seq, t.Name(), c.last[t.Name()].pos, c.wishes)
			}
		}
	}
}

// settle lets everybody catch up, and checks the books.
func (m *screens) settle() {
	for range 20 { // a round may be blocked and has to begin again
		for conn := range m.nextID {
			m.unblock(conn + 1)
		}
		m.stable = true // nobody blocks any more
		m.pass(6 * time.Second)
	}
	for conn, c := range m.clients {
		for _, s := range m.sent {
			m.checkGot(conn, c, s)
		}
	}
	if len(m.fanout.withheld.heap) != 0 {
		m.tb.Errorf("withheld in the end: got %d, want none", len(m.fanout.withheld.heap))
	}
	m.checkConflated()
	for _, c := range m.clients {
		m.fanout.UnsubscribeAll(c.first)
	}
	if len(m.fanout.pacers) != 0 {
		m.tb.Errorf("pacers left: got %d, want none", len(m.fanout.pacers))
	}
}

// checkGot checks that a client has got all of what is not paced, once.
func (m *screens) checkGot(conn int32, c *screen, s shown) {
	paced, all := c.selecting(s.topic.Name())
	if paced == all || s.topic.Policy() != All {
		return
	}
	want := 0
	if s.seq > c.since {
		want = 1
	}
	if got := c.got[s.seq]; got != want {
		m.tb.Fatalf("conn %d: got message %d of %q %d times, want %d", conn, s.seq, s.topic.Name(), got, want)
	}
}

// checkConflated checks the counts of skipped messages of each topic.
func (m *screens) checkConflated() {
	stats := m.hub.Stats()
	m.skipped = stats.Paced
	sum := uint64(0)
	for _, name := range modelTopics {
		t := m.hub.Topic(name)
		sum += t.Conflated()
		if want, ok := m.wantConflated(t); ok && t.Conflated() != want {
			m.tb.Errorf("conflated of %q: got %d, want %d", name, t.Conflated(), want)
		}
	}
	if sum != stats.Behind+stats.Paced || sum != stats.Conflated[""] {
		m.tb.Errorf("conflated: got %d behind, %d paced, %v by rule, want a sum of %d", stats.Behind, stats.Paced, stats.Conflated, sum)
	}
}

// wantConflated returns how many messages of a topic clients have not got. It is known if nobody has left, and nobody has
// selected the topic twice.
func (m *screens) wantConflated(t *Topic) (n uint64, ok bool) {
	for _, c := range m.clients {
		_, all := c.selecting(t.Name())
		if all > 1 || m.left() {
			return 0, false
		}
		for _, s := range m.sent {
			if all == 1 && s.topic == t && s.seq > c.since && c.got[s.seq] == 0 {
				n++
			}
		}
	}
	return n, true
}

func (m *screens) left() bool { return int(m.nextID) != len(m.clients) }

// TestWithheldQueue: the heap gives its pacers back in order, whoever leaves it meanwhile.
func TestWithheldQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for n := range 200 {
		var q withheldQueue
		var all []*pacer
		for range n {
			p := &pacer{place: nowhere, next: time.Duration(random.IntN(50))}
			q.push(p)
			all = append(all, p)
		}
		for range n / 3 {
			i := random.IntN(len(all))
			q.remove(all[i])
			all = slices.Delete(all, i, i+1)
		}
		slices.SortFunc(all, func(a, b *pacer) int { return int(a.next - b.next) })
		for i, want := range all {
			if q.due(want.next - 1) {
				t.Fatalf("%d of %d: due before %d", i, n, want.next)
			}
			if got := q.pop(); got.next != want.next || got.place != nowhere {
				t.Fatalf("%d of %d: got one due at %d, want %d", i, n, got.next, want.next)
			}
		}
		if q.due(1 << 60) {
			t.Fatalf("%d: due when nobody is left", n)
		}
	}
}
