package hub

import (
	"slices"
	"testing"
	"unsafe"
)

func TestSubscriptionSize(t *testing.T) {
	if got, want := unsafe.Sizeof(subscription{}), uintptr(24); got != want {
		t.Errorf("size of a subscription: got %d B, want %d B", got, want)
	}
	if got, want := unsafe.Sizeof(SubID(0)), uintptr(4); got != want {
		t.Errorf("size of a list entry: got %d B, want %d B", got, want)
	}
}

func TestDeliverToEverybody(t *testing.T) {
	b := newBench(t, TopicConfig{})
	b.join(1, 1000)
	b.publish(1)
	if b.kicks != 1 {
		t.Errorf("kicks after one publish: got %d, want 1", b.kicks)
	}
	b.drain()
	for c := int32(1); c <= 1000; c++ {
		b.want(c, 1)
	}
	s := b.fanout.Stats()
	if s.Delivered != 1000 || s.Passes != 1 || s.Subscriptions != 1000 || s.Conflated != 0 {
		t.Errorf("stats: got %+v, want 1000 delivered in 1 pass to 1000 subscriptions, none conflated", s)
	}
	if got := s.Duration.Count(); got != 1 {
		t.Errorf("durations: got %d, want 1", got)
	}
	if got := b.topic.Subscribers(); got != 1000 {
		t.Errorf("subscribers of the topic: got %d, want 1000", got)
	}
}

func TestWorkKeepsToItsBudget(t *testing.T) {
	b := newBench(t, TopicConfig{})
	b.join(1, 1000)
	b.publish(1)
	for i := 1; i <= 10; i++ {
		more := b.fanout.Work(100)
		if got, want := len(b.order), 100*i; got != want {
			t.Fatalf("after slice %d: got %d deliveries, want %d", i, got, want)
		}
		if want := i < 10; more != want {
			t.Fatalf("slice %d: got more=%v, want %v", i, more, want)
		}
	}
}

func TestOvertakenPassHandsOverTheNewerMessage(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: Latest})
	b.join(0, 1000)
	b.publish(1)
	b.fanout.Work(400)
	first := slices.Clone(b.order)
	b.publish(1)
	b.drain()
	for c := range int32(1000) {
		if slices.Contains(first, c) {
			b.want(c, 1, 2)
		} else {
			b.want(c, 2)
		}
	}
	// The pass went on where it was: those who had nothing yet came first.
	for _, c := range b.order[400:1000] {
		if slices.Contains(first, c) {
			t.Fatalf("conn %d got the second message before others had any", c)
		}
	}
	s := b.fanout.Stats()
	if s.Overtaken != 1 || s.Passes != 1 || s.Conflated != 600 {
		t.Errorf("stats: got %d overtaken, %d passes, %d conflated, want 1, 1, 600", s.Overtaken, s.Passes, s.Conflated)
	}
}

// Under permanent overload, every subscriber keeps getting messages, none is owed more than one, and the work
// that is left when publishing ends is one pass.
func TestBacklogNeverExceedsOnePass(t *testing.T) {
	const subscribers, slice = 1000, 50
	b := newBench(t, TopicConfig{Policy: Latest})
	b.join(0, subscribers)
	for range 200 { // ten times as many messages as can be delivered
		b.publish(1)
		b.fanout.Work(slice)
	}
	if got, want := len(b.order), 200*slice; got != want {
		t.Errorf("deliveries under overload: got %d, want %d", got, want)
	}
	for c := range int32(subscribers) {
		if got, want := len(b.got[c]), 200*slice/subscribers; got != want {
			t.Fatalf("conn %d: got %d messages, want %d", c, got, want)
		}
	}
	before := len(b.order)
	b.drain()
	if got := len(b.order) - before; got > subscribers {
		t.Errorf("deliveries after the last publish: got %d, want at most %d", got, subscribers)
	}
	for c := range int32(subscribers) {
		if got := b.got[c][len(b.got[c])-1]; got != 200 {
			t.Fatalf("conn %d: last message: got %d, want 200", c, got)
		}
	}
}

func TestEveryPassStartsElsewhere(t *testing.T) {
	const subscribers, passes = 100, 2000
	b := newBench(t, TopicConfig{})
	b.join(0, subscribers)
	firsts, last := make([]int, subscribers), int32(-1)
	for range passes {
		b.order = b.order[:0]
		b.publish(1)
		b.drain()
		first := b.order[0]
		if first == last {
			t.Fatalf("conn %d was first twice in a row", first)
		}
		last = first
		firsts[first]++
	}
	// Expected 20 each; a Poisson count leaves 2..50 once in 10^7.
	for c, n := range firsts {
		if n < 2 || n > 50 {
			t.Errorf("conn %d was first in %d of %d passes, want about %d", c, n, passes, passes/subscribers)
		}
	}
}

func TestRemovingAndAddingDuringAPass(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	ids := b.join(0, 600)
	b.publish(1)
	b.fanout.Work(200)
	reached := slices.Clone(b.order)
	for c := int32(0); c < 600; c += 3 {
		b.fanout.UnsubscribeAll(ids[c])
	}
	b.join(1000, 300) // 200 of them take the places of those who left
	b.drain()
	for c := range int32(600) {
		if c%3 == 0 && !slices.Contains(reached, c) {
			b.want(c)
		} else {
			b.want(c, 1)
		}
	}
	b.publish(1)
	b.drain()
	for c := int32(1000); c < 1300; c++ {
		b.want(c, 2)
	}
	if got, want := b.topic.Subscribers(), 600-200+300; got != want {
		t.Errorf("subscribers: got %d, want %d", got, want)
	}
	b.wantDense()
}

// wantDense checks that the audience's list has no holes and knows everybody's place.
func (b *bench) wantDense() {
	b.tb.Helper()
	a := b.fanout.topics[b.topic]
	if a == nil {
		return
	}
	if len(a.list) != a.live || a.holes != noHole {
		b.tb.Errorf("list: got %d entries for %d subscriptions, first hole %d", len(a.list), a.live, a.holes)
	}
	for place, id := range a.list {
		if id <= 0 || b.fanout.subs.at(id).place != int32(place) {
			b.tb.Fatalf("list: entry %d is subscription %d, which thinks otherwise", place, id)
		}
	}
}

func TestHolesAreFilledFromTheEnd(t *testing.T) {
	for name, leave := range map[string][]int{
		"first": {0}, "last": {9}, "the last two": {8, 9}, "the last two, backwards": {9, 8},
		"both ends": {0, 9}, "most": {7, 1, 9, 2, 0, 5, 8, 3}, "all": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, TopicConfig{})
			ids := b.join(0, 10)
			b.publish(1)
			b.fanout.Work(2)
			for _, i := range leave {
				b.fanout.UnsubscribeAll(ids[i])
			}
			b.drain()
			b.wantDense()
		})
	}
}

func TestBlockedLeavesTheCursorAndResumeContinues(t *testing.T) {
	for _, test := range []struct {
		policy Policy
		want   []uint64
	}{
		{Latest, []uint64{1, 4}},
		{All, []uint64{1, 2, 3, 4}},
	} {
		t.Run(test.policy.String(), func(t *testing.T) {
			b := newBench(t, TopicConfig{Policy: test.policy})
			id := b.join(7, 1)[0]
			b.publish(1)
			b.drain()
			b.outcome[7] = Blocked
			b.publish(3)
			b.drain()
			b.want(7, 1)
			if got := b.topic.LagTime(); got <= 0 {
				t.Errorf("lag time of a blocked subscriber: got %v, want more than 0", got)
			}
			if got := b.topic.Lag(); got != 3 {
				t.Errorf("lag while blocked: got %d, want 3", got)
			}
			delete(b.outcome, 7)
			b.kicks = 0
			b.fanout.Resume(id)
			if b.kicks != 1 {
				t.Errorf("kicks by Resume: got %d, want 1", b.kicks)
			}
			b.drain()
			b.want(7, test.want...)
			if got := b.topic.LagTime(); got != 0 {
				t.Errorf("lag time when all have everything: got %v, want 0", got)
			}
			if got := b.topic.Lag(); got != 0 {
				t.Errorf("lag after resuming: got %d, want 0", got)
			}
		})
	}
}

func TestSlowSubscriberDoesNotDelayOthers(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	b.join(0, 100)
	b.outcome[50] = Blocked
	b.publish(5)
	b.drain()
	for c := range int32(100) {
		if c != 50 {
			b.want(c, 1, 2, 3, 4, 5)
		}
	}
	b.want(50)
}

func TestOverrun(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All, RingSize: 4})
	ids := b.join(0, 3)
	b.outcome[1] = Blocked
	for range 5 {
		b.publish(1)
		b.drain()
	}
	if want := []int32{1}; !slices.Equal(b.overruns, want) {
		t.Fatalf("overruns: got %v, want %v", b.overruns, want)
	}
	delete(b.outcome, 1)
	b.fanout.Resume(ids[1])
	b.publish(1)
	b.drain()
	b.want(0, 1, 2, 3, 4, 5, 6)
	b.want(1)
	if want := []int32{1}; !slices.Equal(b.overruns, want) {
		t.Errorf("overruns after resuming: got %v, want %v", b.overruns, want)
	}
	if got := b.fanout.Stats().Overruns; got != 1 {
		t.Errorf("overruns counted: got %d, want 1", got)
	}
}

func TestGoneGetsNothingMore(t *testing.T) {
	b := newBench(t, TopicConfig{})
	b.join(0, 2)
	b.outcome[1] = Gone
	b.publish(1)
	b.drain()
	delete(b.outcome, 1)
	b.publish(1)
	b.drain()
	b.want(0, 1, 2)
	b.want(1)
}

// A sink may change subscriptions while it is being called: a send that fails closes the connection.
func TestSinkChangesSubscriptions(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	ids := b.join(0, 100)
	b.onSend = func(_ *Message, conns []int32) {
		for _, c := range conns {
			if c < 100 && c%2 == 0 && ids[c] != 0 {
				b.fanout.UnsubscribeAll(ids[c])
				ids[c] = 0
				b.join(c+1000, 1) // must not inherit the slot and with it the outcome
			}
		}
	}
	b.publish(1)
	b.drain()
	b.publish(1)
	b.drain()
	for c := range int32(100) {
		if c%2 == 1 {
			b.want(c, 1, 2)
			continue
		}
		b.want(c, 1) // it was already part of the batch
		b.want(c+1000, 2)
	}
	b.wantDense()
}

func TestOverrunClosesTheConnection(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All, RingSize: 2})
	ids := b.join(0, 50)
	b.onOver = func(c int32) { b.fanout.UnsubscribeAll(ids[c]) }
	b.publish(5)
	b.drain()
	if got := len(b.overruns); got != 50 {
		t.Errorf("overruns: got %d, want 50", got)
	}
	if got := b.topic.Subscribers(); got != 0 {
		t.Errorf("subscribers: got %d, want 0", got)
	}
	if got := len(b.topic.attached()); got != 0 {
		t.Errorf("readers attached to a topic without subscribers: got %d, want 0", got)
	}
	b.join(0, 1)
	b.publish(1)
	b.drain()
	b.want(0, 6)
}

func TestSeveralTopicsPerConnection(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	topics := []*Topic{b.hub.Topic("a"), b.hub.Topic("b"), b.hub.Topic("c")}
	var first SubID
	for _, topic := range topics {
		first = b.fanout.Subscribe(first, 1, topic, topic.Last(0))
	}
	b.publishTo("a", 1)
	b.publishTo("b", 2)
	b.publishTo("c", 3)
	b.drain()
	b.want(1, 1, 2, 3)

	first = b.fanout.Unsubscribe(first, topics[1])
	first = b.fanout.Unsubscribe(first, topics[1]) // once is enough
	b.publishTo("a", 4)
	b.publishTo("b", 5)
	b.publishTo("c", 6)
	b.drain()
	b.want(1, 1, 2, 3, 4, 6)

	b.fanout.UnsubscribeAll(first)
	b.publishTo("a", 7)
	b.drain()
	b.want(1, 1, 2, 3, 4, 6)
	if got := b.fanout.Stats().Subscriptions; got != 0 {
		t.Errorf("subscriptions: got %d, want 0", got)
	}
}

func TestEndingTwiceIsABug(t *testing.T) {
	b := newBench(t, TopicConfig{})
	id := b.join(1, 1)[0]
	b.fanout.UnsubscribeAll(id)
	defer func() {
		if recover() == nil {
			t.Error("UnsubscribeAll of an ended subscription: got no panic, want BUG")
		}
	}()
	b.fanout.UnsubscribeAll(id)
}

func TestCloseDetaches(t *testing.T) {
	b := newBench(t, TopicConfig{})
	b.join(0, 10)
	b.publish(1)
	b.fanout.Close()
	b.publish(1)
	if b.fanout.Work(100) {
		t.Error("Work after Close: got more, want nothing")
	}
	if len(b.order) != 0 || b.topic.Subscribers() != 0 || len(b.topic.attached()) != 0 {
		t.Errorf("after Close: got %d deliveries, %d subscribers, %d readers, want none",
			len(b.order), b.topic.Subscribers(), len(b.topic.attached()))
	}
}
