package main

import (
	"testing"
	"time"
)

func TestLatencies(t *testing.T) {
	var l latencies
	if got := l.quantile(0.5); got != 0 {
		t.Errorf("got %v of none, want 0", got)
	}
	for us := 1; us <= 100_000; us++ {
		l.add(time.Duration(us) * time.Microsecond)
	}
	for _, q := range []float64{0, 0.0001, 0.5, 0.99, 0.99999} {
		exact := time.Duration(q*100_000) * time.Microsecond
		if got := l.quantile(q); got < exact || float64(got) > 1.07*float64(exact)+2000 {
			t.Errorf("quantile %v: got %v, want at most 7 %% more than %v", q, got, exact)
		}
	}
	if l.max != 100*time.Millisecond {
		t.Errorf("got %v as the maximum, want 100ms", l.max)
	}
}

// TestLatencyEdges: each bucket begins where the one before ends.
func TestLatencyEdges(t *testing.T) {
	for step := range 40 * latencySteps {
		edge := uint64(latencyEdge(step) / time.Microsecond)
		if got := latencyStep(edge); got != step+1 {
			t.Fatalf("bucket %d ends at %d, which is in bucket %d", step, edge, got)
		}
		if got := latencyStep(edge - 1); got != step {
			t.Fatalf("bucket %d does not hold %d but %d does", step, edge-1, got)
		}
	}
}
