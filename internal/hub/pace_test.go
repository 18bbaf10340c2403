package hub

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// slow is a bench with a clock that the test moves.
type slow struct {
	*bench
	now   time.Time
	asked []time.Duration // of Wake
}

func newSlow(tb testing.TB, cfg TopicConfig) *slow {
	s := &slow{bench: newBench(tb, cfg), now: time.Unix(1000, 0)}
	s.fanout = NewFanout(FanoutConfig{
		Sink: s.bench, Kick: func() { s.kicks++ }, Seed: 1, Clock: func() time.Time { return s.now },
		Wake: func(d time.Duration) { s.asked = append(s.asked, d) },
	})
	return s
}

func (s *slow) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.drain()
}

func (s *slow) follow(first SubID, conn int32, name string, interval time.Duration) SubID {
	s.tb.Helper()
	t, err := s.hub.Open(name)
	if err != nil {
		s.tb.Fatal(err)
	}
	return s.fanout.Subscribe(first, conn, t, t.Last(0).Paced(interval))
}

// A paced subscription costs its pacer, an entry of a map and a place in the heap more than a usual one.
func TestMemoryOfPacedSubscriptions(t *testing.T) {
	if got, want := unsafe.Sizeof(pacer{}), uintptr(64); got != want {
		t.Errorf("size of a pacer: got %d B, want %d B", got, want)
	}
	const subscribers, most = 100_000, 140
	cost := func(interval time.Duration) int64 {
		s := newSlow(t, TopicConfig{})
		s.fanout.sink = newCrowd(Latest)
		before := heapInUse()
		for c := range int32(subscribers) {
			s.follow(0, c, "price.ACME", interval)
		}
		for range 2 { // the second one is withheld from all of them
			s.publish(1)
			s.drain()
		}
		n := heapInUse() - before
		s.fanout.Close()
		return n
	}
	got := (cost(time.Second) - cost(0)) / subscribers
	t.Logf("a paced subscription costs %d B more", got)
	if got > most {
		t.Errorf("memory of a paced subscription: got %d B beside a usual one's, want %d B at most", got, most)
	}
}

// The first message comes at once, those within the interval become one, and the loop is asked to wake up for it.
func TestPacedTopic(t *testing.T) {
	for _, policy := range []Policy{Latest, All} {
		t.Run(policy.String(), func(t *testing.T) {
			s := newSlow(t, TopicConfig{Policy: policy, RingSize: 2})
			id := s.follow(0, 1, "price.ACME", time.Second)
			s.publish(1)
			s.drain()
			s.want(1, 1)
			s.pass(300 * time.Millisecond)
			s.publish(5)
			s.drain()
			s.want(1, 1)
			if want := []time.Duration{700 * time.Millisecond}; !slices.Equal(s.asked, want) {
				t.Errorf("wishes to wake up: got %v, want %v", s.asked, want)
			}
			if got := s.topic.Lag(); got != 0 {
				t.Errorf("lag of a client that asks for fewer: got %d, want 0", got)
			}
			s.pass(700 * time.Millisecond)
			s.want(1, 1, 6)
			s.pass(time.Second)
			s.publish(1)
			s.drain()
			s.want(1, 1, 6, 7)
			s.publish(1)
			s.drain()
			s.fanout.UnsubscribeAll(id)
			s.pass(time.Minute)
			s.want(1, 1, 6, 7)
			if got := s.topic.Conflated(); got != 4 {
				t.Errorf("conflated: got %d, want 4", got)
			}
			if n := len(s.fanout.pacers) + len(s.fanout.withheld.heap); n != 0 || len(s.overruns) != 0 {
				t.Errorf("got %d pacers left and %d overruns, want none", n, len(s.overruns))
			}
		})
	}
}

// A round of a pattern brings the newest message of each topic, in order.
func TestPacedPattern(t *testing.T) {
	s := newSlow(t, TopicConfig{Policy: All})
	s.follow(0, 1, "a.*", time.Second)
	for i, name := range []string{"a.x", "a.y", "a.z"} {
		s.publishTo(name, uint64(i+1))
	}
	s.drain()
	s.want(1, 1, 2, 3)
	for seq := uint64(4); seq < 100; seq++ {
		s.publishTo([]string{"a.x", "a.y", "b"}[seq%3], seq)
		s.drain()
	}
	s.pass(time.Second)
	s.want(1, 1, 2, 3, 97, 99)
	if x, y := s.hub.Topic("a.x").Conflated(), s.hub.Topic("a.y").Conflated(); x != 31 || y != 31 {
		t.Errorf("conflated: got %d and %d, want 31 of each", x, y)
	}
}

// Many that are due at once are released in slices, and nobody else waits for all of them.
func TestReleaseIsSliced(t *testing.T) {
	const subscribers, slice = 10_000, 64
	s := newSlow(t, TopicConfig{})
	for c := range int32(subscribers) {
		s.follow(0, c, "price.ACME", time.Second)
	}
	s.publish(1)
	s.drain()
	s.publish(1)
	s.drain()
	if got := len(s.fanout.withheld.heap); got != subscribers {
		t.Fatalf("withheld: got %d, want all %d", got, subscribers)
	}
	s.now = s.now.Add(time.Second)
	for before := len(s.order); s.fanout.Work(slice); before = len(s.order) {
		if got := len(s.order) - before; got > slice {
			t.Fatalf("deliveries of a slice: got %d, want %d at most", got, slice)
		}
		if got := subscribers - len(s.fanout.withheld.heap); got > 0 && got < subscribers && got%(slice*releasesPerSend) != 0 {
			t.Fatalf("released: got %d, want slices of %d", got, slice*releasesPerSend)
		}
	}
	for c := range int32(subscribers) {
		s.want(c, 1, 2)
	}
}

// The late copy of a message shares its payload, has no id to resume from, and counts in the budget as long as it is held.
func TestLateCopy(t *testing.T) {
	s := newSlow(t, TopicConfig{RingSize: 2})
	s.publish(1)
	m, before := s.topic.At(1), s.hub.Stats().Bytes
	late := m.lateCopy()
	if late != m.lateCopy() || &late.payload[0] != &m.payload[0] || late.Seq() != 1 {
		t.Errorf("late copy: got %+v, want one that shares the payload", late)
	}
	envelope := `{"t":"msg","topic":"price.ACME","late":"e1-1","data":{"seq":1}}`
	for f, want := range map[Format]string{
		SSE: "data: {\"seq\":1}\n\n", EnvelopeWS: "\x81" + string(rune(len(envelope))) + envelope, RawWS: string(m.Frame(RawWS)),
	} {
		if got := string(late.Frame(f)); got != want {
			t.Errorf("format %d: got %q, want %q", f, got, want)
		}
	}
	if got := s.hub.Stats().Bytes; got < before+messageBytes-placeBytes {
		t.Errorf("memory with a late copy: got %d B after %d B, want more", got, before)
	}
	s.publish(2)
	held := s.topic.At(2).size + s.topic.At(3).size
	if got, want := s.hub.Stats().Bytes, int64(held)+topicCost("price.ACME")+slotBytes*2; got != want {
		t.Errorf("memory when it is dropped: got %d B, want %d B", got, want)
	}
}

// A paced delivery allocates nothing, on topics and through patterns.
func TestPacedDeliveryDoesNotAllocate(t *testing.T) {
	const subscribers = 1000
	for _, names := range [][]string{{"price.A"}, {"price.*"}, {"price.A", "price.B"}} {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			s := newSlow(t, TopicConfig{RingSize: 64})
			quiet := newCrowd(Latest)
			s.fanout.sink = quiet
			for c := range int32(subscribers) {
				first := SubID(0)
				for _, name := range names {
					first = s.follow(first, c, name, time.Second)
				}
			}
			payload := []byte("x")
			pass := func() {
				for _, name := range []string{"price.A", "price.B", "price.A"} {
					s.seq++
					s.hub.Publish(Publication{Seq: s.seq, Topic: name, Payload: payload})
					s.drain()
				}
				s.asked = s.asked[:0]
				s.pass(time.Second)
			}
			for range 100 {
				pass()
			}
			before := quiet.n
			// Three messages, late copies of some, and now and then a block of a view.
			if got := testing.AllocsPerRun(100, pass); got > 10 {
				t.Errorf("passes over %d subscribers: got %v allocations, want 10 at most", subscribers, got)
			}
			if n := quiet.n - before; n < 100*subscribers {
				t.Errorf("deliveries: got %d, want %d at least", n, 100*subscribers)
			}
		})
	}
}

// BenchmarkPaced has 100,000 paced subscribers of which one in ten messages reaches each.
func BenchmarkPaced(b *testing.B) {
	const subscribers, interval = 100_000, time.Second
	s := newSlow(b, TopicConfig{})
	quiet := newCrowd(Latest)
	s.fanout.sink = quiet
	for c := range int32(subscribers) {
		s.follow(0, c, "price.ACME", interval)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for quiet.n < b.N {
		s.seq++
		s.hub.Publish(Publication{Seq: s.seq, Topic: "price.ACME"})
		s.pass(interval / 10)
		s.asked = s.asked[:0]
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(quiet.n), "ns/delivery")
}
