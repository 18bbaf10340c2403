package hub

import (
	"fmt"
	"slices"
	"testing"
)

func TestStartWithTheNewest(t *testing.T) {
	for _, test := range []struct {
		published, last int
		want            []uint64
	}{
		{0, 0, nil},
		{0, 1, nil},
		{5, 0, nil},
		{5, -1, nil},
		{5, 1, []uint64{5}},
		{5, 3, []uint64{3, 4, 5}},
		{5, 5, []uint64{1, 2, 3, 4, 5}},
		{5, 99, []uint64{1, 2, 3, 4, 5}},
		{20, 99, []uint64{13, 14, 15, 16, 17, 18, 19, 20}}, // the ring holds 8
	} {
		for _, policy := range []Policy{Latest, All} {
			t.Run(fmt.Sprintf("%s/%d of %d", policy, test.last, test.published), func(t *testing.T) {
				b := newBench(t, TopicConfig{Policy: policy, RingSize: 8})
				b.publish(test.published)
				b.fanout.Subscribe(0, 1, b.topic, b.topic.Last(test.last))
				b.drain()
				b.want(1, test.want...)
				b.publish(1)
				b.drain()
				b.want(1, append(test.want[:len(test.want):len(test.want)], uint64(test.published+1))...)
			})
		}
	}
}

func TestDefaultLast(t *testing.T) {
	if got := Latest.DefaultLast(); got != 1 {
		t.Errorf("latest: got %d, want 1", got)
	}
	if got := All.DefaultLast(); got != 0 {
		t.Errorf("all: got %d, want 0", got)
	}
}

func TestResume(t *testing.T) {
	// The topic has the sequences 10, 20, …; the ring holds the last four.
	for _, test := range []struct {
		published int
		id        string
		gap       bool
		want      []uint64
	}{
		{3, "e1-0", false, []uint64{10, 20, 30}},
		{3, "e1-10", false, []uint64{20, 30}},
		{3, "e1-15", false, []uint64{20, 30}}, // another topic's message
		{3, "e1-30", false, nil},
		{6, "e1-20", false, []uint64{30, 40, 50, 60}},
		{6, "e1-19", true, []uint64{30, 40, 50, 60}},
		{6, "e1-0", true, []uint64{30, 40, 50, 60}},
		{3, "e2-30", true, []uint64{10, 20, 30}},
		{3, "", true, []uint64{10, 20, 30}},
		{3, "e1-", true, []uint64{10, 20, 30}},
		{3, "e1-x", true, []uint64{10, 20, 30}},
		{3, "e1--1", true, []uint64{10, 20, 30}},
		{3, "e1-99999999999999999999", true, []uint64{10, 20, 30}},
		{3, "e1-9223372036854775807", true, []uint64{10, 20, 30}},
		{0, "e2-7", true, nil},
	} {
		for _, policy := range []Policy{Latest, All} {
			t.Run(fmt.Sprintf("%s/%q of %d", policy, test.id, test.published), func(t *testing.T) {
				b := newBench(t, TopicConfig{Policy: policy, RingSize: 4})
				for i := range test.published {
					b.publishTo(b.topic.Name(), uint64(10*(i+1)))
				}
				c, gap := b.topic.Resume(test.id)
				if gap != test.gap {
					t.Errorf("gap: got %v, want %v", gap, test.gap)
				}
				b.fanout.Subscribe(0, 1, b.topic, c)
				b.drain()
				b.want(1, test.want...)
			})
		}
	}
}

// A client that comes from a node that is ahead of this one must not get again what it has.
func TestResumeAheadOfThisNode(t *testing.T) {
	for _, policy := range []Policy{Latest, All} {
		t.Run(policy.String(), func(t *testing.T) {
			b := newBench(t, TopicConfig{Policy: policy, RingSize: 4})
			b.publish(2)
			c, gap := b.topic.Seek(4)
			if gap {
				t.Error("gap: got true, want false")
			}
			id := b.fanout.Subscribe(0, 1, b.topic, c)
			b.fanout.Resume(id)
			for range 3 {
				b.publish(1)
				b.drain()
			}
			b.want(1, 5)
			b.publish(1)
			b.drain()
			b.want(1, 5, 6)
		})
	}
	t.Run("overrun before it is reached", func(t *testing.T) {
		b := newBench(t, TopicConfig{Policy: All, RingSize: 4})
		b.publish(2)
		c, _ := b.topic.Seek(4)
		b.fanout.Subscribe(0, 1, b.topic, c)
		b.publish(20)
		b.drain()
		b.want(1)
		if len(b.overruns) != 1 {
			t.Errorf("overruns: got %v, want conn 1", b.overruns)
		}
	})
}

func TestFloorOfTheStreamIsAGap(t *testing.T) {
	h := New(Config{Epoch: "e", Floor: 100})
	topic := h.Topic("t")
	h.Publish(Publication{Seq: 101, Topic: "t"})
	for _, test := range []struct {
		seq uint64
		gap bool
	}{{99, true}, {100, false}, {101, false}, {102, false}} {
		if _, gap := topic.Seek(test.seq); gap != test.gap {
			t.Errorf("Seek(%d): got gap %v, want %v", test.seq, gap, test.gap)
		}
	}
	if got, want := topic.OldestID(), "e-101"; got != want {
		t.Errorf("OldestID: got %q, want %q", got, want)
	}
	if got, want := h.Topic("empty").OldestID(), ""; got != want {
		t.Errorf("OldestID of an empty topic: got %q, want %q", got, want)
	}
}

// A replay on a latest topic is in order and complete even if the client blocks on the way, and turns into
// conflation when the ring has moved past it.
func TestReplayThatBlocks(t *testing.T) {
	t.Run("resumes in order", func(t *testing.T) {
		b := newBench(t, TopicConfig{Policy: Latest, RingSize: 8})
		b.publish(4)
		id := b.fanout.Subscribe(0, 1, b.topic, b.topic.Last(4))
		b.onSend = func(m *Message, _ []int32) {
			if m.Seq() == 3 {
				b.outcome[1] = Blocked
			}
		}
		b.drain()
		b.publish(1)
		b.drain()
		b.want(1, 1, 2)
		b.onSend = nil
		delete(b.outcome, 1)
		b.fanout.Resume(id)
		b.drain()
		b.want(1, 1, 2, 3, 4, 5)
	})
	t.Run("overwritten", func(t *testing.T) {
		b := newBench(t, TopicConfig{Policy: Latest, RingSize: 4})
		b.publish(4)
		id := b.fanout.Subscribe(0, 1, b.topic, b.topic.Last(4))
		b.outcome[1] = Blocked
		b.drain()
		b.publish(4)
		delete(b.outcome, 1)
		b.fanout.Resume(id)
		b.drain()
		b.want(1, 8)
		if got := b.fanout.Stats().Conflated; got != 7 {
			t.Errorf("conflated: got %d, want 7", got)
		}
	})
}

// Replays take turns, and live subscribers do not wait for them.
func TestReplaysDoNotHoldUpOthers(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All, RingSize: 1024})
	b.publish(1000)
	for c := range int32(10) {
		b.fanout.Subscribe(0, 100+c, b.topic, b.topic.Last(1000))
	}
	b.join(0, 50)
	b.publish(1)
	b.fanout.Work(200)
	for c := range int32(50) {
		b.want(c, 1001)
	}
	for c := range int32(10) {
		if got := len(b.got[100+c]); got < 5 || got > 20 {
			t.Errorf("conn %d: got %d messages of the replay so far, want about 10", 100+c, got)
		}
	}
	b.drain()
	for c := range int32(10) {
		if got := len(b.got[100+c]); got != 1001 {
			t.Errorf("conn %d: got %d messages, want 1001", 100+c, got)
		}
	}
}

// Messages that the stream lost before this process could read them: whoever must have every message is told,
// with the topic's next message, because one of the lost ones may have been its own.
func TestGapInTheStream(t *testing.T) {
	for _, test := range []struct {
		policy   Policy
		want     []uint64
		overruns []int32
	}{
		{Latest, []uint64{2, 10}, nil},
		{All, []uint64{1, 2}, []int32{1}},
	} {
		t.Run(test.policy.String(), func(t *testing.T) {
			b := newBench(t, TopicConfig{Policy: test.policy, RingSize: 8})
			other := b.hub.Topic("other")
			b.fanout.Subscribe(0, 1, b.topic, b.topic.Last(0))
			b.fanout.Subscribe(0, 2, other, other.Last(0))
			b.publish(2)
			b.drain()
			b.hub.Publish(Publication{Seq: 10, Topic: b.topic.Name(), Gap: true})
			b.drain()
			b.want(1, test.want...)
			if !slices.Equal(b.overruns, test.overruns) {
				t.Errorf("overruns: got %v, want %v", b.overruns, test.overruns)
			}
			b.fanout.Subscribe(0, 3, b.topic, b.topic.Last(8))
			b.drain()
			b.want(3, 10)
			for _, topic := range []*Topic{b.topic, other, b.hub.Topic("new")} {
				if c, gap := topic.Seek(2); !gap || uint64(c.at)+1 != topic.Oldest() {
					t.Errorf("topic %s: Seek(2): got %d, gap %v, want a gap and what is held", topic.Name(), c, gap)
				}
				if _, gap := topic.Seek(9); gap {
					t.Errorf("topic %s: Seek(9): got a gap, want none", topic.Name())
				}
			}
			b.publishTo("other", 11)
			b.drain()
			if told := slices.Contains(b.overruns, 2); told != (test.policy == All) {
				t.Errorf("subscriber of the other topic: got overrun %v, want %v", told, test.policy == All)
			}
		})
	}
}

// A gap does not bring back what the client has: it goes on with the first message held that it does not have.
func TestGapDoesNotRepeat(t *testing.T) {
	b := newBench(t, TopicConfig{})
	b.publish(5)
	b.hub.Publish(Publication{Seq: 10, Topic: "other", Gap: true})
	c, gap := b.topic.Seek(3)
	if !gap {
		t.Error("Seek(3): got no gap, want one: the lost messages may have been the topic's")
	}
	b.fanout.Subscribe(0, 1, b.topic, c)
	b.drain()
	b.want(1, 4, 5)
}

// A stream that begins anew gives out sequences again: nobody may take its messages for those of the old one, and
// everybody is told.
func TestRenew(t *testing.T) {
	for _, epoch := range []string{"e2", "e1"} { // e1: the same stream, which lost what it had
		t.Run(epoch, func(t *testing.T) {
			b := newBench(t, TopicConfig{Policy: All})
			b.publish(5)
			b.join(1, 1)
			ahead := b.hub.Epoch() + "-9" // given out by a process that is ahead
			c, _ := b.topic.Resume(ahead)
			b.fanout.Subscribe(0, 2, b.topic, c)
			b.hub.Renew(epoch)
			b.seq = 0
			b.publish(2)
			b.drain()
			b.want(1)
			b.want(2)
			slices.Sort(b.overruns)
			if !slices.Equal(b.overruns, []int32{1, 2}) {
				t.Errorf("overruns: got %v, want both subscribers", b.overruns)
			}
			c, gap := b.topic.Resume(epoch + "-1")
			if gap {
				t.Error("Resume with an id of the new stream: got a gap, want none")
			}
			b.fanout.Subscribe(0, 3, b.topic, c)
			b.drain()
			b.want(3, 2)
			if got, want := b.topic.At(b.topic.Head()).ID(), epoch+"-2"; got != want {
				t.Errorf("id: got %s, want %s", got, want)
			}
			if _, gap := b.topic.Resume("e0-1"); !gap {
				t.Error("Resume with an id of another stream: got no gap")
			}
			if got := b.hub.LastSeq(); got != 2 {
				t.Errorf("LastSeq: got %d, want 2", got)
			}
		})
	}
}
