package ticklog

import (
	"math"
	"testing"
	"time"
)

func TestLatencyBins(t *testing.T) {
	for i := range LatencyBins - 1 {
		bound := LatencyBound(i)
		if got := latencyBin(int64(bound)); got != i {
			t.Errorf("%v: got bin %d, want %d, whose bound it is", bound, got, i)
		}
		if got := latencyBin(int64(bound) + 1); got != i+1 {
			t.Errorf("%v and a nanosecond: got bin %d, want %d", bound, got, i+1)
		}
	}
	if first, last := LatencyBound(0), LatencyBound(LatencyBins-2); first != 100*time.Microsecond || last != 13107200*time.Microsecond {
		t.Errorf("got bounds from %v to %v, want 100 µs to 13.1072 s", first, last)
	}
	if got := LatencyBound(LatencyBins - 1); got != math.MaxInt64 {
		t.Errorf("the last bin: got bound %v, want none", got)
	}
}

func TestLatenciesSpread(t *testing.T) {
	ms := int64(time.Millisecond)
	for _, tt := range []struct {
		name        string
		first, last int64
		n           uint64
		bin         int    // one to look at
		want        uint64 // in it
	}{
		{"all at once", 150 * ms, 150 * ms, 70, latencyBin(150 * ms), 70},
		{"before it was due", -5 * ms, -ms, 7, 0, 7},
		{"a second, evenly", 0, 1000 * ms, 1000, latencyBin(100 * ms), 16}, // 86 to 102.4 ms
		{"beyond all bounds", 60_000 * ms, 61_000 * ms, 3, LatencyBins - 1, 3},
		{"nobody", 0, 100 * ms, 0, 10, 0},
	} {
		var l Latencies
		l.spread(tt.first, tt.last, tt.n)
		var sum uint64
		for _, n := range l {
			sum += n
		}
		if sum != tt.n || l[tt.bin] != tt.want {
			t.Errorf("%s: got %d in all and %d in bin %d, want %d and %d", tt.name, sum, l[tt.bin], tt.bin, tt.n, tt.want)
		}
	}
}

// What a pass delivered is counted once, from the time that the message was due.
func TestLatenciesOfAPass(t *testing.T) {
	l := New(Config{})
	loop := l.Loop(func() Spent { return Spent{} })
	l.Received(1, "ticks", time.Now(), tick(time.Now().Add(-time.Hour)))
	l.Received(2, "ticks", time.Now(), nil) // due when it arrived
	for seq := range uint64(2) {
		loop.Began(seq+1, 0, 0)
		loop.Ended(seq+1, 5, 0, false)
		loop.Ended(seq+1, 9, 0, false)
	}
	got := l.Latencies()
	var sum uint64
	for _, n := range got[:LatencyBins-1] {
		sum += n
	}
	if got[LatencyBins-1] != 5 || sum != 5 {
		t.Errorf("got %d an hour late and %d others, want 5 and 5", got[LatencyBins-1], sum)
	}
}
