package hub

import "testing"

// After a start that has not read the whole stream, quiet topics have their newest messages, and gaps are told where there
// may be some and only there.
func TestRestore(t *testing.T) {
	const first, from = 11, 101 // the stream's first sequence, and the one from which on all of it is read
	for _, policy := range []Policy{Latest, All} {
		b := newBench(t, TopicConfig{Policy: policy})
		b.hub = New(Config{Epoch: "e", Floor: from - 1, Topic: func(string) TopicConfig { return TopicConfig{Policy: policy} }})
		for seq, name := range map[uint64]string{20: "quiet", 60: "seldom"} {
			if !b.hub.Restore(Publication{Seq: seq, Topic: name}) {
				t.Fatalf("%s: got no room", name)
			}
		}
		b.publishTo("busy", 101)
		b.publishTo("seldom", 102)
		b.hub.Complete(first - 1)
		b.publishTo("new", 103)
		for _, tt := range []struct {
			name string
			seq  uint64
			gap  bool
		}{
			{"quiet", 20, false},
			{"quiet", 19, false},
			{"quiet", 18, true},
			{"quiet", 100, false},
			{"seldom", 60, false},
			{"seldom", 59, false},
			{"seldom", 58, true},
			{"busy", 99, true},
			{"busy", 100, false},
			{"new", 10, false},
			{"new", 9, true},
			{"nothing", 10, false},
			{"nothing", 9, true},
			{"*", 99, true},
			{"*", 100, false},
		} {
			if _, gap := b.open(tt.name).Seek(tt.seq); gap != tt.gap {
				t.Errorf("%s: Seek(%d): got gap %v, want %v", tt.name, tt.seq, gap, tt.gap)
			}
		}
		for conn, name := range map[int32]string{1: "seldom", 2: ">", 3: "quiet"} {
			topic := b.open(name)
			c, _ := topic.Seek(19)
			b.fanout.Subscribe(0, conn, topic, c)
		}
		b.drain()
		b.want(1, 60, 102)
		b.want(2, 20, 60, 101, 102, 103)
		b.want(3, 20)
		b.publishTo("quiet", 104)
		b.drain()
		b.want(3, 20, 104)
	}
}

// Where some messages are missing after all, nobody is told that there are none.
func TestRestoreInPart(t *testing.T) {
	for name, spoil := range map[string]func(*Hub){
		"no room":        func(h *Hub) { h.Restore(Publication{Seq: 21, Topic: "one too many"}) },
		"lost meanwhile": func(h *Hub) { h.Publish(Publication{Seq: 101, Topic: "quiet", Gap: true}) },
		"another stream": func(h *Hub) { h.Renew("f") },
	} {
		h := New(Config{Epoch: "e", Floor: 100, MaxTopics: 1})
		h.Restore(Publication{Seq: 20, Topic: "quiet"})
		before := h.Stats().Untracked
		spoil(h)
		floor := h.floor.Load()
		h.Complete(10)
		if got := h.floor.Load(); got != floor || floor < 100 {
			t.Errorf("%s: got floor %d, want the %d from before, at least 100", name, got, floor)
		}
		if got := h.Stats().Untracked; name == "no room" && got != before+1 {
			t.Errorf("%s: got %d messages without a topic, want %d", name, got, before+1)
		}
	}
}
