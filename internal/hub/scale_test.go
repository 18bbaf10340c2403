package hub

import (
	"fmt"
	"runtime"
	"testing"
)

// counter is a sink that does nothing but count.
type counter struct{ n int }

func (c *counter) SendMany(_ *Message, conns []int32, out []Delivery) {
	c.n += len(conns)
	for i := range out {
		out[i] = Delivered
	}
}

func (c *counter) Overrun(int32, *Topic) {}

// crowd is a fan-out with subscribers whose sink only counts.
type crowd struct {
	counter
	hub    *Hub
	fanout *Fanout
	seq    uint64
}

func newCrowd(policy Policy) *crowd {
	c := &crowd{hub: New(Config{Epoch: "e", Topic: func(string) TopicConfig { return TopicConfig{Policy: policy} }})}
	c.fanout = NewFanout(FanoutConfig{Sink: c, Kick: func() {}, Seed: 1})
	return c
}

func (c *crowd) publish(topic string, payload []byte) {
	c.seq++
	c.hub.Publish(Publication{Seq: c.seq, Topic: topic, Payload: payload})
}

func (c *crowd) drain() {
	for c.fanout.Work(256) {
		continue
	}
}

func (c *crowd) subscribe(conn int32, topic string) SubID {
	t := c.hub.Topic(topic)
	return c.fanout.Subscribe(0, conn, t, t.Last(0))
}

// heapInUse is what is alive. The second collection frees what the first one has left in pools.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Both shapes cost what their subscriptions cost: 24 B and a list entry of 4 B for one big topic; a topic,
// its first slots and its audience for each of many small ones.
func TestManyTopicsAndManySubscribers(t *testing.T) {
	const n = 100_000
	for _, test := range []struct {
		name  string
		topic func(i int) string
		limit int64 // bytes per subscriber
	}{
		{"one topic", func(int) string { return "t" }, 40},
		{"a topic each", func(i int) string { return fmt.Sprintf("user.%d", i) }, 1000},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := heapInUse()
			c := newCrowd(All)
			ids := make([]SubID, n)
			for i := range n {
				ids[i] = c.subscribe(int32(i), test.topic(i))
			}
			per := (heapInUse() - before) / n
			t.Logf("%d B per subscriber", per)
			if per > test.limit {
				t.Errorf("memory: got %d B per subscriber, want at most %d B", per, test.limit)
			}
			for i := 0; i < n; i += n / 10 {
				c.publish(test.topic(i), nil)
			}
			c.drain()
			if got := c.n; got != 10 && got != 10*n {
				t.Errorf("deliveries: got %d, want 10 (a topic each) or %d", got, 10*n)
			}
			for _, id := range ids {
				c.fanout.UnsubscribeAll(id)
			}
			if got := c.fanout.Stats().Subscriptions; got != 0 {
				t.Errorf("subscriptions: got %d, want 0", got)
			}
		})
	}
}

// A delivery allocates nothing, for either policy, whether by a pass or by the catch-up queue.
func TestDeliveryDoesNotAllocate(t *testing.T) {
	const subscribers = 1000
	for _, policy := range []Policy{Latest, All} {
		t.Run(policy.String(), func(t *testing.T) {
			c := newCrowd(policy)
			ids := make([]SubID, subscribers)
			for i := range ids {
				ids[i] = c.subscribe(int32(i), "t")
			}
			payload := []byte("x")
			for range defaultRingSize + 1 { // the ring is as large as it gets
				c.publish("t", payload)
			}
			c.drain()
			topic := c.hub.Topic("t")
			pass := func() {
				c.publish("t", payload) // one allocation, the message
				c.drain()
			}
			if got := testing.AllocsPerRun(100, pass); got > 1 {
				t.Errorf("a pass over %d subscribers: got %v allocations, want 1 for the message", subscribers, got)
			}
			catchUp := func() {
				for _, id := range ids {
					c.fanout.subs.at(id).cursor = topic.Last(1).at
					c.fanout.Resume(id)
				}
				c.drain()
			}
			catchUp() // the queue gets its size
			if got := testing.AllocsPerRun(100, catchUp); got != 0 {
				t.Errorf("catching up of %d subscribers: got %v allocations, want 0", subscribers, got)
			}
		})
	}
}

func TestFrameDoesNotAllocateTwice(t *testing.T) {
	m := publishOne(Publication{Seq: 1, Topic: "t", Payload: []byte("x")})
	for f := range Formats {
		m.Frame(f)
		if got := testing.AllocsPerRun(100, func() { m.Frame(f) }); got != 0 {
			t.Errorf("format %d: got %v allocations, want 0", f, got)
		}
	}
}

func BenchmarkPass(b *testing.B) {
	for _, policy := range []Policy{Latest, All} {
		b.Run(policy.String(), func(b *testing.B) {
			const subscribers = 100_000
			c := newCrowd(policy)
			for i := range subscribers {
				c.subscribe(int32(i), "t")
			}
			b.ReportAllocs()
			for c.n = 0; c.n < b.N; {
				c.publish("t", nil)
				c.drain()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(c.n), "ns/delivery")
		})
	}
}

// BenchmarkSmallTopics publishes to 100,000 topics with one subscriber each, in turn.
func BenchmarkSmallTopics(b *testing.B) {
	const topics = 100_000
	c := newCrowd(Latest)
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("user.%d", i)
		c.subscribe(int32(i), names[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.publish(names[i%topics], nil)
		c.drain()
	}
}

func BenchmarkSubscribe(b *testing.B) {
	c := newCrowd(Latest)
	keep := c.subscribe(1, "t")
	_ = keep
	b.ReportAllocs()
	for b.Loop() {
		c.fanout.UnsubscribeAll(c.subscribe(2, "t"))
	}
}

func BenchmarkEncode(b *testing.B) {
	payload := []byte(`{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`)
	for f, name := range [Formats]string{"raw", "envelope", "sse", "packed raw", "packed envelope"} {
		b.Run(name, func(b *testing.B) {
			m := publishOne(Publication{Seq: 1, Topic: "price.ACME", Payload: payload})
			b.ReportAllocs()
			for b.Loop() {
				encoders[f](m)
			}
		})
	}
}
