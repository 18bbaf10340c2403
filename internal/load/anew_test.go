package load

import (
	"fmt"
	"testing"
	"time"
)

// TestFeedBeginsAnew: a feed that restarts counts from one again; its times tell that from duplicates and from messages out of order.
func TestFeedBeginsAnew(t *testing.T) {
	type message struct {
		seq int
		due time.Duration // from now
	}
	tests := []struct {
		name     string
		messages []message
		want     verdict
	}{
		{"restarted after a second", []message{{1, 0}, {2, 1}, {3, 2}, {1, 1000}, {2, 1001}, {3, 1002}, {4, 1003}}, verdict{7, 0, 0, 0, 0}},
		{"restarted twice, a message missed", []message{{8, 0}, {9, 1}, {1, 500}, {3, 501}, {1, 900}, {2, 901}}, verdict{6, 1, 0, 0, 0}},
		{"sent twice", []message{{1, 0}, {2, 1}, {3, 2}, {2, 1}, {3, 2}}, verdict{5, 0, 0, 2, 0}},
		{"mixed up", []message{{1, 0}, {3, 2}, {2, 1}, {4, 3}}, verdict{4, 0, 0, 0, 1}},
		{"mixed up, each copy stamped", []message{{1, 0}, {3, 2}, {2, 3}, {4, 4}}, verdict{4, 0, 0, 0, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := time.Now().Add(time.Minute) // none is a replay
			s := newServer(t, func(p *peer) {
				for _, m := range tt.messages {
					due := base.Add(m.due * time.Millisecond).UnixNano()
					p.payload(fmt.Sprintf(`{"seq":%d,"ts":%d}`, m.seq, due), "")
				}
				p.stay()
			}, unchunked)
			cfg := s.config(1, WebSocket)
			cfg.Policy = All
			sum := start(t, cfg).awaitMessages(int64(len(tt.messages))).Sum()
			if got := (verdict{sum.Messages, sum.Lost, sum.Conflated, sum.Duplicates, sum.Reordered}); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
