package hub

import (
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h histogram
	bounds := h.snapshot().Bounds()
	if bounds[0] != 100*time.Microsecond || bounds[len(bounds)-1] < 10*time.Second {
		t.Errorf("bounds: got %v to %v, want 100µs to more than 10s", bounds[0], bounds[len(bounds)-1])
	}
	for i, bound := range bounds {
		h.observe(bound)
		h.observe(bound + 1)
		want := uint64(1) // the bound itself, and what exceeds the bound before
		if i > 0 {
			want = 2
		}
		if got := h.snapshot().Buckets[i]; got != want {
			t.Errorf("bucket up to %v: got %d, want %d", bound, got, want)
		}
	}
	h.observe(time.Hour)
	s := h.snapshot()
	if got, want := s.Count(), uint64(2*len(bounds)+1); got != want {
		t.Errorf("count: got %d, want %d", got, want)
	}
	if s.Sum < time.Hour || s.Buckets[len(bounds)] != 2 {
		t.Errorf("sum %v and overflow %d: got them wrong", s.Sum, s.Buckets[len(bounds)])
	}
}

func TestPolicyNames(t *testing.T) {
	for p, want := range map[Policy]string{Latest: "latest", All: "all", 7: "Policy(7)"} {
		if got := p.String(); got != want {
			t.Errorf("policy %d: got %q, want %q", uint8(p), got, want)
		}
	}
}

func TestLagOfTheSlowest(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: All})
	ids := b.join(0, 10)
	b.outcome[3], b.outcome[7] = Blocked, Blocked
	b.publish(2)
	b.drain()
	delete(b.outcome, 3)
	b.fanout.Resume(ids[3])
	b.drain()
	b.publish(3)
	b.drain()
	if got := b.hub.Stats().MaxLag; got != 5 {
		t.Errorf("lag: got %d, want 5", got)
	}
	b.fanout.UnsubscribeAll(ids[7])
	if got := b.hub.Stats().MaxLag; got != 0 {
		t.Errorf("lag after the slowest has left: got %d, want 0", got)
	}
}
