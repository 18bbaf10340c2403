package hub

import (
	"fmt"
	"testing"
)

func TestLogBounds(t *testing.T) {
	for _, test := range []struct {
		cfg            TopicConfig
		published      int
		oldest, newest uint64
	}{
		{TopicConfig{RingSize: 8}, 0, 1, 0},
		{TopicConfig{RingSize: 8}, 1, 1, 1},
		{TopicConfig{RingSize: 8}, 8, 1, 8},
		{TopicConfig{RingSize: 8}, 9, 2, 9},
		{TopicConfig{RingSize: 7}, 100, 94, 100},
		{TopicConfig{RingSize: 1}, 5, 4, 5},                  // two is the least
		{TopicConfig{RingSize: 100, RingBytes: 30}, 5, 3, 5}, // 10 bytes each
		{TopicConfig{RingSize: 100, RingBytes: 1}, 5, 4, 5},  // the newest two stay
		{TopicConfig{RingSize: 0}, 2000, 2000 - 1024 + 1, 2000},
	} {
		t.Run(fmt.Sprintf("%+v/%d", test.cfg, test.published), func(t *testing.T) {
			h := New(Config{Topic: func(string) TopicConfig { return test.cfg }})
			topic := h.Topic("t")
			for i := range test.published {
				h.Publish(Publication{Seq: uint64(i + 1), Topic: "t", Payload: make([]byte, 10)})
			}
			if got := topic.Oldest(); got != test.oldest {
				t.Errorf("oldest: got %d, want %d", got, test.oldest)
			}
			if got := topic.Head(); got != test.newest {
				t.Errorf("head: got %d, want %d", got, test.newest)
			}
			for pos := uint64(0); pos <= uint64(test.published)+2; pos++ {
				m := topic.At(pos)
				if held := pos >= test.oldest && pos <= test.newest; held != (m != nil) {
					t.Fatalf("At(%d): got held %v, want %v", pos, m != nil, held)
				}
				if m != nil && m.Pos() != pos {
					t.Fatalf("At(%d): got the message of position %d", pos, m.Pos())
				}
			}
		})
	}
}

func TestPublishRefusesRepetitions(t *testing.T) {
	h := New(Config{Epoch: "e"})
	for _, test := range []struct {
		seq  uint64
		want bool
	}{{1, true}, {1, false}, {5, true}, {4, false}, {6, true}} {
		if got := h.Publish(Publication{Seq: test.seq, Topic: fmt.Sprint(test.seq)}); got != test.want {
			t.Errorf("Publish(%d): got %v, want %v", test.seq, got, test.want)
		}
	}
	if s := h.Stats(); s.Published != 3 || s.Repeated != 2 || s.LastSeq != 6 {
		t.Errorf("stats: got %+v, want 3 published, 2 repeated, last 6", s)
	}
}

func TestMaxTopics(t *testing.T) {
	h := New(Config{MaxTopics: 2})
	a := h.Topic("a")
	h.Publish(Publication{Seq: 1, Topic: "b"})
	if got := h.Topic("c"); got != nil {
		t.Errorf("third topic: got %q, want nil", got.Name())
	}
	if h.Publish(Publication{Seq: 2, Topic: "c"}) {
		t.Error("publish to a third topic: got true, want false")
	}
	if got := h.Topic("a"); got != a {
		t.Error("known topic: got another one")
	}
	if s := h.Stats(); s.Topics != 2 || s.Untracked != 1 || s.LastSeq != 2 {
		t.Errorf("stats: got %+v, want 2 topics, 1 untracked, last 2", s)
	}
}
