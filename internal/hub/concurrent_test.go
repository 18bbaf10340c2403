package hub

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loop runs a fan-out as an event loop does: it works when kicked and as long as there is more.
type loop struct {
	fanout *Fanout
	kicked chan struct{}
	got    atomic.Uint64

	last map[int32]uint64 // owned by the loop's goroutine
	bad  string           // first violation met
	gaps bool             // sequences may be skipped
}

func newLoop(seed uint64) *loop {
	l := &loop{kicked: make(chan struct{}, 1), last: map[int32]uint64{}}
	l.fanout = NewFanout(FanoutConfig{Sink: l, Kick: l.kick, Seed: seed})
	return l
}

func (l *loop) kick() {
	select {
	case l.kicked <- struct{}{}:
	default:
	}
}

func (l *loop) SendMany(m *Message, conns []int32, out []Delivery) {
	for i, c := range conns {
		last := l.last[c]
		if m.Seq() <= last || !l.gaps && m.Seq() != last+1 {
			l.bad = fmt.Sprintf("conn %d: got message %d after %d", c, m.Seq(), last)
		}
		if len(m.Frame(Format(c%int32(Formats)))) == 0 {
			l.bad = "empty frame"
		}
		l.last[c] = m.Seq()
		out[i] = Delivered
	}
	l.got.Add(uint64(len(conns)))
}

func (l *loop) Overrun(conn int32, _ *Topic) { l.bad = fmt.Sprintf("conn %d: overrun", conn) }

// run works until every connection has message n.
func (l *loop) run(conns int32, topic *Topic, n uint64) error {
	for c := range conns {
		l.fanout.Subscribe(0, c, topic, topic.Last(0))
	}
	deadline := time.After(2 * time.Minute)
	for !l.done(n) {
		select {
		case <-l.kicked:
			for l.fanout.Work(64) {
				runtime.Gosched()
			}
		case <-deadline:
			return fmt.Errorf("not everybody has message %d after 20 s", n)
		}
	}
	if l.bad != "" {
		return fmt.Errorf("%s", l.bad)
	}
	l.fanout.Close()
	return nil
}

func (l *loop) done(n uint64) bool {
	for _, last := range l.last {
		if last < n {
			return l.bad != ""
		}
	}
	return len(l.last) > 0 || l.bad != ""
}

// One publisher, several loops, readers of statistics, all at once; meaningful under -race.
func TestPublisherAgainstLoops(t *testing.T) {
	const loops, conns, messages = 3, 200, 2000
	for _, test := range []TopicConfig{
		{Policy: All, RingSize: messages},
		{Policy: Latest, RingSize: 4},
	} {
		t.Run(test.Policy.String(), func(t *testing.T) {
			h := New(Config{Epoch: "e", Topic: func(string) TopicConfig { return test }})
			topic := h.Topic("t")
			errs := make(chan error, loops)
			var all []*loop
			for i := range loops {
				l := newLoop(uint64(i))
				l.gaps = test.Policy == Latest
				all = append(all, l)
				go func() { errs <- l.run(conns, topic, messages) }()
			}
			waitFor(t, func() bool { return topic.Subscribers() == loops*conns })
			var wg sync.WaitGroup
			wg.Go(func() { publishAll(h, messages) })
			wg.Go(func() { readAll(h, all, messages) })
			wg.Wait()
			for range loops {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func publishAll(h *Hub, messages int) {
	for i := range messages {
		h.Publish(Publication{Seq: uint64(i + 1), Topic: "t", Payload: []byte("x")})
		if i%16 == 0 {
			runtime.Gosched()
		}
	}
}

// readAll looks at everything that may be looked at from other goroutines.
func readAll(h *Hub, loops []*loop, messages uint64) {
	topic := h.Topic("t")
	for topic.Head() < messages {
		topic.Seek(topic.Head() / 2)
		topic.OldestID()
		topic.Last(5)
		h.Stats()
		for _, l := range loops {
			l.fanout.Stats()
		}
		runtime.Gosched()
	}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	if !holds(cond) {
		t.Fatalf("condition not met after %v", patience)
	}
}

// patience bounds everything a test waits for.
const patience = time.Minute

// holds reports whether the condition becomes true.
func holds(cond func() bool) bool {
	for deadline := time.Now().Add(patience); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// A reader of the log never sees a message at another position than its own, nor a head without its message.
func TestReadersAgainstTheWriter(t *testing.T) {
	const messages = 5_000
	h := New(Config{Epoch: "e", Topic: func(string) TopicConfig { return TopicConfig{RingSize: 16} }})
	topic := h.Topic("t")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for head := uint64(0); head < messages; head = topic.Head() {
				runtime.Gosched() // or the writer waits 10 ms for each of its turns
				if seq := topic.newest(); seq < head {
					t.Errorf("newest: got %d after head %d", seq, head)
					return
				}
				oldest := topic.Oldest()
				for pos := oldest; pos <= head; pos++ {
					if m := topic.At(pos); m != nil && (m.Pos() != pos || m.Seq() != pos) {
						t.Errorf("At(%d): got position %d, sequence %d", pos, m.Pos(), m.Seq())
						return
					}
				}
				// The writer tells of the gap just before it drops the message.
				if c, gap := topic.Seek(head); gap && !holds(func() bool { return topic.Oldest() > head+1 }) {
					t.Errorf("Seek(%d): got a gap and cursor %d, though the log starts at %d", head, c, topic.Oldest())
					return
				}
			}
		})
	}
	publishAll(h, messages)
	wg.Wait()
}

// One publisher, and a loop of connections that ask for fewer messages, of a topic, of patterns and beside one that gets all; meaningful
// under -race.
func TestPublisherAgainstPacedLoop(t *testing.T) {
	const conns, messages = 60, 3000
	h := New(Config{Epoch: "e", Topic: func(string) TopicConfig { return TopicConfig{Policy: All, RingSize: messages} }})
	s := &screenLoop{newest: map[int32]uint64{}}
	s.fanout = NewFanout(FanoutConfig{Sink: s, Kick: func() {}})
	for c := range int32(conns) {
		first := SubID(0)
		for _, name := range [][]string{{"a"}, {"*"}, {"*", "a"}, {"a", "b"}}[c%4] {
			topic, err := h.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			cursor := topic.Last(0)
			if name != "b" {
				cursor = cursor.Paced(time.Duration(1+c) * 100 * time.Microsecond)
			}
			first = s.fanout.Subscribe(first, c, topic, cursor)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for seq := range uint64(messages) {
			h.Publish(Publication{Seq: seq + 1, Topic: []string{"b", "c", "a"}[seq%3], Payload: []byte("x")})
			runtime.Gosched()
		}
	}()
	waitFor(t, func() bool {
		s.fanout.Work(64)
		return s.hasAll(conns, messages)
	})
	<-done
	if s.bad != "" {
		t.Error(s.bad)
	}
	s.fanout.Close()
}

// screenLoop is a sink of paced connections.
type screenLoop struct {
	fanout *Fanout
	newest map[int32]uint64 // by connection
	bad    string
}

func (s *screenLoop) SendMany(m *Message, conns []int32, out []Delivery) {
	for i, c := range conns {
		if late := m.Seq() <= s.newest[c]; late != m.isLate {
			s.bad = fmt.Sprintf("conn %d: got message %d after %d, late %v", c, m.Seq(), s.newest[c], m.isLate)
		}
		if len(m.Frame(SSE)) == 0 {
			s.bad = "empty frame"
		}
		s.newest[c] = max(s.newest[c], m.Seq())
		out[i] = Delivered
	}
}

func (s *screenLoop) Overrun(conn int32, _ *Topic) { s.bad = fmt.Sprintf("conn %d: overrun", conn) }

// hasAll reports whether everybody has the last message.
func (s *screenLoop) hasAll(conns int, last uint64) bool {
	for _, seq := range s.newest {
		if seq < last {
			return s.bad != ""
		}
	}
	return len(s.newest) == conns || s.bad != ""
}
