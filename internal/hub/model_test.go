package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is the naive hub: one endless slice of sequences per topic and, per subscription, an index into it.
type model struct {
	*bench
	random *rand.Rand
	topics []*Topic
	sent   map[*Topic][]uint64
	conns  map[int32]*client
	nextID int32
}

// client is what the model knows of a connection: what it may still get, in order, by topic.
type client struct {
	first   SubID
	blocked bool
	open    map[*Topic]*expectation
}

type expectation struct {
	next    int  // index into sent of the first message it may get next
	ordered int  // up to this index nothing may be skipped (replay), unless the ring has overwritten it
	over    bool // overrun: nothing more
}

// TestAgainstAModel does random things in random order and checks every delivery against the model.
func TestAgainstAModel(t *testing.T) {
	for seed := range uint64(40) {
		for _, policy := range []Policy{Latest, All} {
			t.Run(fmt.Sprintf("%s/seed %d", policy, seed), func(t *testing.T) {
				m := newModel(t, policy, seed)
				for range 1500 {
					m.act()
				}
				m.settle()
			})
		}
	}
}

func newModel(t *testing.T, policy Policy, seed uint64) *model {
	m := &model{
		bench:  newBench(t, TopicConfig{Policy: policy, RingSize: 2 + int(seed%30)}),
		random: rand.New(rand.NewPCG(seed, 0)),
		sent:   map[*Topic][]uint64{},
		conns:  map[int32]*client{},
	}
	for _, name := range []string{"a", "b", "c"} {
		m.topics = append(m.topics, m.hub.Topic(name))
	}
	m.fanout.sink = m
	return m
}

func (m *model) act() {
	switch n := m.random.IntN(100); {
	case n < 30:
		m.publishSome()
	case n < 45:
		m.connect()
	case n < 52:
		m.disconnect(m.pick())
	case n < 58:
		m.unsubscribe(m.pick())
	case n < 66:
		m.block(m.pick())
	case n < 75:
		m.unblock(m.pick())
	default:
		m.fanout.Work(1 + m.random.IntN(40))
	}
}

func (m *model) publishSome() {
	topic := m.topics[m.random.IntN(len(m.topics))]
	for range 1 + m.random.IntN(4) {
		m.seq += 1 + uint64(m.random.IntN(3))
		m.sent[topic] = append(m.sent[topic], m.seq)
		m.publishTo(topic.Name(), m.seq)
	}
}

func (m *model) connect() {
	m.nextID++
	c := &client{open: map[*Topic]*expectation{}}
	m.conns[m.nextID] = c
	for _, topic := range m.topics {
		if m.random.IntN(3) > 0 {
			m.subscribe(m.nextID, c, topic)
		}
	}
}

func (m *model) subscribe(conn int32, c *client, topic *Topic) {
	sent, held := m.sent[topic], int(topic.Head()+1-topic.Oldest())
	start := len(sent)
	var cursor Cursor
	switch m.random.IntN(3) {
	case 0:
		n := m.random.IntN(12)
		cursor, start = topic.Last(n), len(sent)-min(n, held)
	case 1: // resume, perhaps from before the log
		seq := uint64(m.random.Int64N(int64(m.seq + 1)))
		i, found := slices.BinarySearch(sent, seq)
		if found {
			i++
		}
		var gap bool
		cursor, gap = topic.Seek(seq)
		if want := i < len(sent)-held; gap != want {
			m.tb.Fatalf("Seek(%d): got gap %v, want %v", seq, gap, want)
		}
		start = max(i, len(sent)-held)
	case 2: // from a node that is ahead
		seq := m.seq + uint64(m.random.IntN(6))
		cursor, _ = topic.Seek(seq)
		c.open[topic] = &expectation{next: -int(seq)}
		c.first = m.fanout.Subscribe(c.first, conn, topic, cursor)
		return
	}
	e := &expectation{next: start}
	if len(sent)-start > 1 { // the newest message alone is no replay
		e.ordered = len(sent)
	}
	c.open[topic] = e
	c.first = m.fanout.Subscribe(c.first, conn, topic, cursor)
}

// SendMany checks each delivery: it must be what the subscriber may get next.
func (m *model) SendMany(msg *Message, conns []int32, out []Delivery) {
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

func (m *model) check(conn int32, c *client, msg *Message) {
	sent, e := m.sent[msg.Topic()], c.open[msg.Topic()]
	if e == nil || e.over {
		m.tb.Fatalf("conn %d: message of topic %q, which it does not have", conn, msg.Topic().Name())
	}
	e.resolve(sent)
	at, _ := slices.BinarySearch(sent, msg.Seq())
	if at < e.next {
		m.tb.Fatalf("conn %d: got message %d again or out of order", conn, msg.Seq())
	}
	oldest := len(sent) - int(msg.Topic().Head()+1-msg.Topic().Oldest())
	mayNotSkip := msg.Topic().Policy() == All || e.next < e.ordered && e.next >= oldest
	if mayNotSkip && at != e.next {
		m.tb.Fatalf("conn %d: got message %d, want %d first", conn, msg.Seq(), sent[e.next])
	}
	if at < oldest {
		m.tb.Fatalf("conn %d: got message %d, which the ring has dropped", conn, msg.Seq())
	}
	e.next = at + 1
}

// resolve turns "whatever comes after this sequence" into an index.
func (e *expectation) resolve(sent []uint64) {
	if e.next < 0 {
		e.next, _ = slices.BinarySearch(sent, uint64(1-e.next))
	}
}

func (m *model) Overrun(conn int32, topic *Topic) {
	e := m.conns[conn].open[topic]
	e.resolve(m.sent[topic])
	oldest := len(m.sent[topic]) - int(topic.Head()+1-topic.Oldest())
	if topic.Policy() != All || e.over || e.next >= oldest {
		m.tb.Fatalf("conn %d: overrun at index %d, though the ring starts at %d", conn, e.next, oldest)
	}
	e.over = true
	if m.random.IntN(2) == 0 {
		m.disconnect(conn)
	}
}

func (m *model) pick() int32 {
	if m.nextID == 0 {
		return 0
	}
	return 1 + m.random.Int32N(m.nextID)
}

func (m *model) disconnect(conn int32) {
	if c := m.conns[conn]; c != nil {
		m.fanout.UnsubscribeAll(c.first)
		delete(m.conns, conn)
	}
}

func (m *model) unsubscribe(conn int32) {
	if c := m.conns[conn]; c != nil {
		topic := m.topics[m.random.IntN(len(m.topics))]
		c.first = m.fanout.Unsubscribe(c.first, topic)
		delete(c.open, topic)
	}
}

func (m *model) block(conn int32) {
	if c := m.conns[conn]; c != nil {
		c.blocked = true
	}
}

func (m *model) unblock(conn int32) {
	if c := m.conns[conn]; c != nil && c.blocked {
		c.blocked = false
		m.fanout.Resume(c.first)
	}
}

// settle lets everybody catch up, and checks that everybody has the newest and nothing is left behind.
func (m *model) settle() {
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
		for topic, e := range c.open {
			sent := m.sent[topic]
			e.resolve(sent)
			if !e.over && e.next < len(sent) {
				m.tb.Errorf("conn %d: ended at index %d of topic %q, want %d", conn, e.next, topic.Name(), len(sent))
			}
		}
	}
	m.wantCounts(open)
}

func (m *model) wantCounts(open int) {
	m.tb.Helper()
	if got := m.fanout.Stats().Subscriptions; got != open {
		m.tb.Errorf("subscriptions: got %d, want %d", got, open)
	}
	total := 0
	for _, topic := range m.topics {
		total += topic.Subscribers()
		m.topic = topic
		m.wantDense()
	}
	if total != open {
		m.tb.Errorf("subscribers of all topics: got %d, want %d", total, open)
	}
}
