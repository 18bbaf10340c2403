package hub

import (
	"fmt"
	"testing"
)

// comingBack returns a bench whose topic has history that replaying clients want, and live subscribers from connection 0 on.
func comingBack(t *testing.T, live, replaying, history int) *bench {
	t.Helper()
	b := newBench(t, TopicConfig{Policy: All, RingSize: 1 << 10})
	b.publish(history)
	b.join(0, live)
	for c := range replaying {
		b.fanout.Subscribe(0, int32(live+c), b.topic, b.topic.Last(history))
	}
	return b
}

// slice works once and returns how many deliveries went to live subscribers and to the others. They keep to the budget.
func (b *bench) slice(live, budget int) (toLive, toOthers int) {
	b.tb.Helper()
	before := len(b.order)
	b.fanout.Work(budget)
	for _, c := range b.order[before:] {
		if int(c) < live {
			toLive++
			if toOthers > 0 && budget > 1 {
				b.tb.Fatalf("conn %d got a live message behind replays of the same slice", c)
			}
		} else {
			toOthers++
		}
	}
	if got := toLive + toOthers; got > budget {
		b.tb.Fatalf("slice: got %d deliveries, want at most %d", got, budget)
	}
	return toLive, toOthers
}

// While thousands replay, as after a restart, a live message goes first: it has three quarters of each slice until everybody
// has it. Replays have the rest, and all when there is nothing live.
func TestLiveGoesBeforeReplays(t *testing.T) {
	const live, replaying, history, budget = 1000, 5000, 20, 256
	for _, burst := range []int{1, 3} { // with 3 the pass is overtaken by messages that nobody may skip
		t.Run(fmt.Sprint(burst, " at once"), func(t *testing.T) {
			b := comingBack(t, live, replaying, history)
			for range 5 {
				if l, r := b.slice(live, budget); l != 0 || r != budget {
					t.Fatalf("idle slice: got %d live, %d replayed, want 0, %d", l, r, budget)
				}
			}
			for round := range 4 {
				b.publish(burst)
				for left := burst * live; left > 0; {
					l, r := b.slice(live, budget)
					least := budget * 3 / 4
					if burst > 1 {
						least = budget / 2 // looking at those who trail, in vain as yet, has its price
					}
					if left -= l; left > 0 && (l < least || r != budget/4) {
						t.Fatalf("round %d, %d to go: got %d live, %d replayed, want at least %d, and %d", round, left, l, r, least, budget/4)
					}
				}
			}
			b.drain()
			for c := range int32(live + replaying) {
				first := 1
				if c < live {
					first += history
				}
				got := b.got[c]
				if want := history + 4*burst + 1 - first; len(got) != want || got[0] != uint64(first) || got[want-1] != b.seq {
					t.Fatalf("conn %d: got %d messages %v, want %d from %d on", c, len(got), got, want, first)
				}
			}
		})
	}
}

// Neither side starves, however small the slices and however busy the other side is.
func TestReplaysAndLiveShareSmallSlices(t *testing.T) {
	const live, replaying, history = 50, 50, 100
	for _, budget := range []int{1, 2, 3, 7} {
		b := comingBack(t, live, replaying, history)
		var sum [2]int
		owed := 0
		for range 400 {
			if owed == 0 {
				b.publish(1)
				owed = live
			}
			l, r := b.slice(live, budget)
			owed -= l
			sum[0] += l
			sum[1] += r
		}
		if want := 400 * budget / 4; sum[0] < 2*want || sum[1] < want {
			t.Errorf("slices of %d: got %d live, %d replayed, want about %d and %d", budget, sum[0], sum[1], 3*want, want)
		}
	}
}

// What a client's replay through many patterns has to look at counts, so that a slice does not grow with it.
func TestSearchesCount(t *testing.T) {
	const topics, replaying, budget = 4000, 200, 64
	h := New(Config{})
	for i := range topics { // each topic's second message supersedes its first
		h.Publish(Publication{Seq: uint64(i + 1), Topic: fmt.Sprintf("a.%d", i)})
	}
	for i := range topics {
		h.Publish(Publication{Seq: uint64(topics + i + 1), Topic: fmt.Sprintf("a.%d", i)})
	}
	r := newRecorder(t)
	f := NewFanout(FanoutConfig{Sink: r, Kick: func() {}, Seed: 1})
	for c := range int32(replaying) {
		var first SubID
		for _, pattern := range []string{">", "a.>", "a.*", "*.*", "*.>"} {
			v, err := h.Open(pattern)
			if err != nil {
				t.Fatal(err)
			}
			first = f.Subscribe(first, c, v, v.Last(1))
		}
	}
	most := 0
	for more := true; more; {
		before := f.looked
		more = f.Work(budget)
		most = max(most, f.looked-before)
	}
	for c := range int32(replaying) {
		if got := len(r.got[c]); got != topics {
			t.Fatalf("conn %d: got %d messages, want the newest of each of %d topics", c, got, topics)
		}
	}
	if limit := budget*visitsPerSend + 2*5*scanned; most > limit || most < scanned {
		t.Errorf("entries looked at in one slice: got up to %d, want some, at most %d", most, limit)
	}
}
