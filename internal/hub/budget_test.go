package hub

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"unsafe"
)

func TestSizesInTheBudget(t *testing.T) {
	for _, test := range []struct {
		what      string
		got, want uintptr
	}{
		{"message", unsafe.Sizeof(Message{}) + placeBytes, messageBytes},
		{"place", unsafe.Sizeof(place{}), placeBytes},
		{"entry of a view", unsafe.Sizeof(entry{}), entryBytes},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %d B, want %d B", test.what, test.got, test.want)
		}
	}
}

// What the hub counts is what it takes, to within a quarter.
func TestBudgetIsHonest(t *testing.T) {
	for _, test := range []struct {
		name             string
		topics, messages int // messages of each
		payload          int
		formats          []Format
		pattern          string
	}{
		{"topics", 50_000, 0, 0, nil, ""},
		{"a message each", 50_000, 1, 60, nil, ""},
		{"full rings", 100, 1024, 60, nil, ""},
		{"encoded", 100, 512, 300, []Format{RawWS, SSE}, ""},
		{"large", 20, 50, 20_000, nil, ""},
		{"through a pattern", 100, 1024, 16, nil, ">"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := heapInUse()
			c := newCrowd(All)
			if test.pattern != "" {
				c.subscribeTo(1, test.pattern)
			}
			for i := range test.topics {
				name := fmt.Sprintf("user.%d", i)
				c.hub.Topic(name)
				for range test.messages {
					c.publish(name, make([]byte, test.payload))
					for _, f := range test.formats {
						c.hub.Topic(name).At(c.hub.Topic(name).Head()).Frame(f)
					}
				}
			}
			took, counted := heapInUse()-before, c.hub.Stats().Bytes
			t.Logf("took %d B, counted %d B", took, counted)
			if took > counted*5/4 || counted > took*5/4 {
				t.Errorf("got %d B counted, want about the %d B that it took", counted, took)
			}
		})
	}
}

// rich returns a bench whose hub has room for about n small messages.
func rich(t *testing.T, n int, cfg TopicConfig) *bench {
	b := newBench(t, cfg)
	b.hub = New(Config{MaxBytes: int64(n) * (messageBytes + slotBytes), Topic: func(string) TopicConfig { return cfg }})
	return b
}

func TestOldestMessagesGoFirst(t *testing.T) {
	b := rich(t, 500, TopicConfig{})
	b.publishTo("quiet", 1)
	b.publishTo("quiet", 2)
	for seq := uint64(3); seq < 2000; seq++ {
		b.publishTo([]string{"busy", "other"}[seq%2], seq)
	}
	quiet, busy, other := b.hub.Lookup("quiet"), b.hub.Lookup("busy"), b.hub.Lookup("other")
	if got := quiet.Oldest(); got != 2 || quiet.At(2) == nil {
		t.Errorf("quiet: got messages from %d on, want the newest, 2", got)
	}
	if busy.At(busy.Oldest()).Seq() > other.At(other.Oldest()).Seq()+2 || busy.Oldest() < 700 {
		t.Errorf("got messages from %d of busy and from %d of other, want dropped by age", busy.Oldest(), other.Oldest())
	}
	if s := b.hub.Stats(); s.Bytes > b.hub.budget.limit || s.Bytes < b.hub.budget.limit*9/10 || s.Evicted < 1400 {
		t.Errorf("got %d of %d B in use, %d evicted, want nearly all, and at least 1400", s.Bytes, b.hub.budget.limit, s.Evicted)
	}
	if _, gap := quiet.Seek(1); gap {
		t.Error("quiet: Seek(1): got a gap, though 2 is held")
	}
	if _, gap := busy.Seek(4); !gap {
		t.Error("busy: Seek(4): got no gap, though what follows is dropped")
	}
	// What was spared goes first, by its age, once it is no longer the newest.
	b.publishTo("quiet", 2000)
	for seq := uint64(2001); seq < 2010; seq++ {
		b.publishTo("busy", seq)
	}
	if got := quiet.Oldest(); got != 3 || quiet.At(3) == nil {
		t.Errorf("quiet: got messages from %d on, want only the newest, 3", got)
	}
}

// When there are only newest messages left, the oldest of these go; the one just published never does.
func TestNewestMessagesGoLast(t *testing.T) {
	b := rich(t, 400, TopicConfig{})
	const topics = 300
	for seq := uint64(1); seq <= topics; seq++ {
		b.hub.Publish(Publication{Seq: seq, Topic: fmt.Sprint("t", seq), Payload: make([]byte, 1000)})
	}
	var held []uint64
	for seq := uint64(1); seq <= topics; seq++ {
		if n := b.hub.Lookup(fmt.Sprint("t", seq)); n != nil && n.At(1) != nil {
			held = append(held, seq)
		}
	}
	s := b.hub.Stats()
	if len(held) == 0 || !slices.IsSorted(held) || int(held[len(held)-1]-held[0]) != len(held)-1 {
		t.Errorf("got messages %v held, want the newest in a row", held)
	}
	if s.Untracked == 0 || s.Topics+int(s.Untracked) != topics {
		t.Errorf("got %d topics and %d messages without, want %d in all, and topics refused when they alone fill the budget", s.Topics, s.Untracked, topics)
	}
}

// A subscriber that needs what has been dropped is told.
func TestEvictionIsToldToSlowSubscribers(t *testing.T) {
	for _, name := range []string{"slow", "*", ">"} {
		b := rich(t, 300, TopicConfig{Policy: All})
		first := b.subscribe(0, 1, name)
		b.outcome[1] = Blocked
		b.publishTo("slow", 1)
		b.drain()
		for seq := uint64(2); seq < 1000; seq++ {
			b.publishTo([]string{"slow", "busy"}[seq%2], seq)
		}
		delete(b.outcome, 1)
		b.fanout.Resume(first)
		b.drain()
		if b.want(1); !slices.Equal(b.overruns, []int32{1}) {
			t.Errorf("%s: got overruns %v, want that of connection 1", name, b.overruns)
		}
	}
}

// Clients cannot take the publishers' memory with topics that nobody publishes to.
func TestUnusedTopicsInTheBudget(t *testing.T) {
	b := rich(t, 1000, TopicConfig{})
	n := 0
	for ; ; n++ {
		if _, err := b.hub.Open(fmt.Sprint("client.", n)); err != nil {
			if !errors.Is(err, ErrTopics) {
				t.Fatalf("Open: got %v, want ErrTopics", err)
			}
			break
		}
	}
	if most := int(b.hub.budget.limit / clientShare / topicBytes); n > most+1 || n < most/2 {
		t.Errorf("got %d topics opened, want about %d", n, most)
	}
	if !b.hub.Publish(Publication{Seq: 1, Topic: "t"}) {
		t.Error("got no room for a message")
	}
}

// What lists the messages by age does not grow with those that rings have dropped.
func TestBudgetForgetsWhatRingsDrop(t *testing.T) {
	b := newBench(t, TopicConfig{RingSize: 2})
	b.publishTo("quiet", 1)
	for seq := uint64(2); seq < 20_000; seq++ {
		b.publishTo(fmt.Sprint("busy", seq%7), seq)
	}
	h := b.hub
	if got, most := h.budget.old.len()+h.budget.young.len(), 2*h.budget.held+tidyFrom+1; got > most || h.budget.held != 15 {
		t.Errorf("got %d messages listed and %d held, want at most %d and 15", got, h.budget.held, most)
	}
}

// BenchmarkPublishToViews publishes to a topic that many patterns select.
func BenchmarkPublishToViews(b *testing.B) {
	for _, views := range []int{0, 1, 8} {
		b.Run(fmt.Sprint(views, " views"), func(b *testing.B) {
			c := newCrowd(Latest)
			for i := range views {
				c.hub.Topic(fmt.Sprintf("a.%d", i))
				c.subscribeTo(int32(i), []string{">", "a.*", "a.>", "*.b", "*.*", "*.>", "a.b.>", "a.b.*"}[i])
			}
			for b.Loop() {
				c.publish("a.b", nil)
				c.drain()
			}
		})
	}
}
