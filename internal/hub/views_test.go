package hub

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tickgate/internal/topic"
)

// open opens a topic or pattern that must open.
func (b *bench) open(name string) *Topic {
	b.tb.Helper()
	t, err := b.hub.Open(name)
	if err != nil {
		b.tb.Fatalf("Open(%q): %v", name, err)
	}
	return t
}

// subscribe adds subscriptions from now on to a connection and returns its first one.
func (b *bench) subscribe(first SubID, conn int32, names ...string) SubID {
	b.tb.Helper()
	for _, name := range names {
		t := b.open(name)
		first = b.fanout.Subscribe(first, conn, t, t.Last(0))
	}
	return first
}

func TestViewsDeliverWhatTheySelect(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	b.publishTo("price.A", 1)
	b.subscribe(0, 1, "price.*")
	b.subscribe(0, 2, ">")
	b.subscribe(0, 3, "*.A", "price.*", "price.A") // each once
	b.subscribe(0, 4, "price.>", "fx.*")
	for i, name := range []string{"price.A", "fx.A", "price.B", "price.B.bid", "price.A"} {
		b.publishTo(name, uint64(2+i))
	}
	b.drain()
	b.want(1, 2, 4, 6)
	b.want(2, 2, 3, 4, 5, 6)
	b.want(3, 2, 3, 4, 6)
	b.want(4, 2, 3, 4, 5, 6)
	if got := b.open("price.*").Subscribers(); got != 2 {
		t.Errorf("subscribers of a pattern: got %d, want 2", got)
	}
	if b.hub.Lookup("price.*") != b.open("price.*") || b.hub.Lookup("nobody.*") != nil {
		t.Error("Lookup: want the view that Open has made, and none that it has not")
	}
	if got := b.hub.Stats(); got.Views != 5 {
		t.Errorf("stats: got %d views, want 5", got.Views)
	}
}

// Latest topics in a view conflate each for itself: a slow client gets the newest message of each.
func TestViewConflatesByTopic(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: Latest, RingSize: 4})
	first := b.subscribe(0, 1, "price.*")
	b.publishTo("price.quiet", 1)
	b.outcome[1] = Blocked
	b.drain()
	for seq := uint64(2); seq < 1000; seq++ {
		b.publishTo("price.busy", seq)
	}
	b.drain()
	delete(b.outcome, 1)
	b.fanout.Resume(first)
	b.drain()
	b.want(1, 1, 999)
	if got := b.hub.Lookup("price.busy").Conflated() + b.hub.Lookup("price.quiet").Conflated(); got > 997 || got == 0 {
		t.Errorf("conflated: got %d, want those skipped, at most 997", got)
	}
}

// A message that the stream lost may have been one of a view's All topics; of Latest ones nothing is missed.
func TestGapInTheStreamThroughAView(t *testing.T) {
	for _, test := range []struct {
		policy   Policy
		overruns []int32
	}{{Latest, nil}, {All, []int32{1}}} {
		t.Run(test.policy.String(), func(t *testing.T) {
			b := newBench(t, TopicConfig{Policy: test.policy})
			b.publishTo("price.A", 1)
			b.subscribe(0, 1, "price.*")
			b.subscribe(0, 2, "fx.*")
			b.publishTo("price.A", 2)
			b.drain()
			b.hub.Publish(Publication{Seq: 10, Topic: "price.A", Gap: true})
			b.drain()
			if !slices.Equal(b.overruns, test.overruns) {
				t.Errorf("overruns: got %v, want %v", b.overruns, test.overruns)
			}
			if _, gap := b.open("price.*").Seek(2); !gap {
				t.Error("Seek(2): got no gap, want one")
			}
			c, gap := b.open("price.*").Resume("other-7")
			if !gap {
				t.Error("Resume of another epoch: got no gap, want one")
			}
			b.fanout.Subscribe(0, 3, b.open("price.*"), c)
			b.drain()
			b.want(3, 10)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	b := newBench(t, TopicConfig{})
	b.hub = New(Config{MaxTopics: 4, MaxUnused: 2, MaxViews: 2})
	b.open("a")
	b.open("b")
	b.open("a")
	b.open("x.*")
	b.open("y.*")
	b.open("x.*")
	for name, want := range map[string]error{"c": ErrTopics, "z.*": ErrViews, "a..b": topic.ErrSyntax, ">.a": topic.ErrSyntax, "": topic.ErrSyntax} {
		if _, err := b.hub.Open(name); !errors.Is(err, want) {
			t.Errorf("Open(%q): got %v, want %v", name, err, want)
		}
	}
	b.publishTo("a", 1) // is not unused any more
	b.open("c")
	b.publishTo("d", 2)
	if _, err := b.hub.Open("e"); !errors.Is(err, ErrTopics) {
		t.Errorf("Open beyond MaxTopics: got %v, want ErrTopics", err)
	}
}

// Messages go when their time is over, topics and views when nobody uses them, and who comes back later is told.
func TestSweep(t *testing.T) {
	const ttl = 10 * time.Minute
	b := newBench(t, TopicConfig{Policy: All, TTL: ttl})
	start := time.Now()
	publish := func(name string, at time.Duration) {
		b.seq++
		b.hub.Publish(Publication{Seq: b.seq, Topic: name, Time: start.Add(at)})
	}
	sweep := func(at time.Duration) { b.hub.Sweep(start.Add(at), 100) }
	publish("price.A", 0)
	publish("price.B", 6*time.Minute)
	first := b.subscribe(0, 1, "price.A")
	b.open("empty")
	view := b.open("price.*")
	sweep(11 * time.Minute)
	if a := b.hub.Lookup("price.A"); a.Oldest() <= a.Head() {
		t.Error("price.A: got a message that has outlived its time")
	}
	if got := view.Oldest(); got != 2 {
		t.Errorf("oldest of the view: got %d, want 2", got)
	}
	sweep(12 * time.Minute)
	sweep(13*time.Minute + time.Second)
	if b.hub.Lookup("price.A") == nil || b.hub.Lookup("price.B") == nil {
		t.Error("got a topic forgotten that is subscribed to or holds messages")
	}
	if b.hub.Lookup("empty") != nil || b.hub.Stats().Views != 0 {
		t.Error("got a topic or a view kept that nobody uses")
	}
	b.fanout.UnsubscribeAll(first)
	for _, minute := range []time.Duration{20, 22, 24} {
		sweep(minute * time.Minute)
	}
	if got := b.hub.Stats(); got.Topics != 0 || got.Bytes != 0 {
		t.Errorf("left: got %d topics, %d B, want none", got.Topics, got.Bytes)
	}
	for _, name := range []string{"price.A", "price.*"} {
		if _, gap := b.open(name).Seek(1); !gap {
			t.Errorf("%s: Seek(1): got no gap, though message 2 was forgotten", name)
		}
		if _, gap := b.open(name).Seek(2); gap {
			t.Errorf("%s: Seek(2): got a gap, though nothing came after it", name)
		}
	}
	b.subscribe(0, 2, "price.*")
	publish("price.A", 25*time.Minute)
	b.drain()
	b.want(2, 3)
}

// A blocked subscriber whose messages have outlived their time: of an All topic it is told, of a Latest one it has
// nothing to get.
func TestExpiryOfWhatIsOwed(t *testing.T) {
	for _, name := range []string{"price.A", "price.*"} {
		for _, policy := range []Policy{Latest, All} {
			t.Run(fmt.Sprint(name, " ", policy), func(t *testing.T) {
				b := newBench(t, TopicConfig{Policy: policy, TTL: time.Minute})
				first := b.subscribe(0, 1, name)
				b.publishTo("price.A", 1)
				b.outcome[1] = Blocked
				b.drain()
				b.hub.Sweep(time.Now(), 100)
				b.publishTo("other", 2)
				delete(b.outcome, 1)
				b.fanout.Resume(first)
				b.drain()
				b.want(1)
				if got := len(b.overruns); got != int(policy) {
					t.Errorf("overruns: got %d, want %d", got, int(policy))
				}
			})
		}
	}
}

// What was conflated stays counted under the class that the topic had, when it gets another one and when it is forgotten.
func TestConflatedByClass(t *testing.T) {
	class := "first"
	b := newBench(t, TopicConfig{})
	b.hub = New(Config{Topic: func(string) TopicConfig { return TopicConfig{Class: class, TTL: time.Minute} }})
	conflate := func(name string, n int) {
		first := b.subscribe(0, 1, name)
		b.publishTo("price.A", b.seq+1)
		for range n {
			b.seq++
			b.publishTo("price.A", b.seq+1)
		}
		b.seq++
		b.drain()
		b.fanout.UnsubscribeAll(first)
	}
	conflate("price.A", 3)
	class = "second"
	b.hub.Reconfigure(func(string) TopicConfig { return TopicConfig{Class: class, TTL: time.Minute} })
	b.hub.Sweep(time.Now(), 100)
	conflate("price.*", 5)
	if got := b.hub.Lookup("price.A").Conflated(); got != 8 {
		t.Errorf("conflated of the topic: got %d, want 8", got)
	}
	for range 2 {
		if got := b.hub.Stats().Conflated; got["first"] != 3 || got["second"] != 5 {
			t.Errorf("conflated: got %v, want 3 first and 5 second", got)
		}
		for _, minute := range []time.Duration{2, 4, 6} {
			b.hub.Sweep(time.Now().Add(minute*time.Minute), 100)
		}
	}
	if got := b.hub.Stats().Topics; got != 0 {
		t.Errorf("topics left: got %d, want none", got)
	}
}

func TestReconfigure(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: Latest, RingSize: 8})
	first := b.subscribe(0, 1, "price.ACME")
	b.publish(8)
	b.hub.Reconfigure(func(string) TopicConfig { return TopicConfig{Policy: All, RingSize: 4} })
	b.hub.Sweep(time.Now(), 100)
	b.drain()
	b.publish(1)
	if got := b.topic.Head() + 1 - b.topic.Oldest(); got != 4 || b.topic.Policy() != All {
		t.Errorf("got %d messages held, policy %s, want 4, all", got, b.topic.Policy())
	}
	b.publish(2)
	b.drain()
	b.want(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	b.fanout.UnsubscribeAll(first)
}

// subscribeTo subscribes a connection to several topics or patterns.
func (c *crowd) subscribeTo(conn int32, names ...string) (first SubID) {
	for _, name := range names {
		t, err := c.hub.Open(name)
		if err != nil {
			panic(err)
		}
		first = c.fanout.Subscribe(first, conn, t, t.Last(0))
	}
	return first
}

// Beyond its first topic a connection pays 24 B for a subscription and 4 B in the topic's list, pattern or not.
func TestFurtherSubscriptionsAreCheap(t *testing.T) {
	const n, topics, limit = 100_000, 1000, 64
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprintf("price.%d", i)
	}
	c := newCrowd(All)
	for i := range int32(n) {
		c.subscribeTo(i, names[i%topics])
	}
	before := heapInUse()
	for i := range int32(n) {
		c.subscribeTo(n+i, names[i%topics], names[(i+1)%topics], fmt.Sprintf("*.%d", i%100))
	}
	per := (heapInUse() - before) / (3 * n)
	t.Logf("%d B per subscription", per)
	if per > limit {
		t.Errorf("memory: got %d B per subscription, want at most %d B", per, limit)
	}
	for _, name := range names {
		c.publish(name, nil)
	}
	c.drain()
	// The one topic, two topics, and the pattern where it selects another one; each once.
	if got, least := c.n, 3*n; got < least || got > 4*n {
		t.Errorf("deliveries: got %d, want %d to %d", got, least, 4*n)
	}
}

// A delivery allocates nothing also through views and with several subscriptions.
func TestViewDeliveryDoesNotAllocate(t *testing.T) {
	const subscribers = 1000
	for _, names := range [][]string{{"price.*"}, {"price.A", "price.B"}, {"price.*", "*.A", "price.A"}} {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			c := newCrowd(Latest)
			for i := range int32(subscribers) {
				c.subscribeTo(i, names...)
			}
			payload := []byte("x")
			pass := func() {
				c.publish("price.A", payload)
				c.publish("price.B", payload)
				c.drain()
			}
			for range 2 * defaultRingSize {
				pass()
			}
			// Two messages, and now and then a block of a view.
			if got := testing.AllocsPerRun(1000, pass); got > 3 {
				t.Errorf("two messages to %d subscribers: got %v allocations, want at most 3", subscribers, got)
			}
		})
	}
}

// BenchmarkPassSeveral is BenchmarkPass with connections that have several subscriptions.
func BenchmarkPassSeveral(b *testing.B) {
	for name, topics := range map[string][]string{
		"pattern": {"price.*"}, "two topics": {"price.A", "price.B"}, "overlap": {"price.*", "price.A"},
		"ten topics": {"price.A", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
	} {
		b.Run(name, func(b *testing.B) {
			const subscribers = 100_000
			c := newCrowd(All)
			for i := range int32(subscribers) {
				c.subscribeTo(i, topics...)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for c.n = 0; c.n < b.N; {
				c.publish("price.A", nil)
				c.drain()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(c.n), "ns/delivery")
		})
	}
}

// BenchmarkOpenView opens a pattern that selects one in ten of 100,000 topics with a message each.
func BenchmarkOpenView(b *testing.B) {
	const topics = 100_000
	c := newCrowd(Latest)
	for i := range topics {
		c.publish(fmt.Sprintf("user.%d.%d", i%10, i), nil)
	}
	for b.Loop() {
		v, err := c.hub.Open("user.3.*")
		if err != nil {
			b.Fatal(err)
		}
		v.view.close()
		delete(c.hub.views, v.name)
		for _, t := range c.hub.order {
			t.letGoLocked()
		}
	}
}

// The oldest message of a view is found whatever has been dropped, before and behind it.
func TestOldestOfAView(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All, RingSize: 2})
	v, err := b.hub.Open("price.*")
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Oldest(); got != 1 {
		t.Errorf("of nothing: got %d, want 1", got)
	}
	for seq := uint64(1); seq <= 60; seq++ {
		name, want := "price.busy", uint64(1)
		switch {
		case seq == 1 || seq > 40 && seq <= 45: // of which two are held, and then 39 and 40 of the other
			name = "price.quiet"
		case seq == 46:
			want = 40
		case seq > 46:
			want = 44
		}
		if seq > 41 && seq <= 45 {
			want = 39
		}
		b.publishTo(name, seq)
		if got := v.Oldest(); got != want {
			t.Fatalf("after %d: got %d, want %d", seq, got, want)
		}
	}
}
