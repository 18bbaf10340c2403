package load

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Counts end up in the very buckets that HdrHistogram would have chosen.
func TestHistHasTheBucketsOfHdrHistogram(t *testing.T) {
	values := []int64{0, 1, 2, 1023, 1024, 2047, 2048, 2049, 4095, 4096, 123_456, 1<<20 - 1, 1 << 20, histHighest - 1, histHighest}
	for range 1000 {
		values = append(values, rand.Int64N(1<<rand.IntN(32)))
	}
	for _, µs := range values {
		want := newHist()
		if err := want.RecordValue(µs); err != nil {
			t.Fatal(err)
		}
		h := newCounts()
		h.record(time.Duration(µs)*time.Microsecond, 1)
		if got := Histogram(h.dist()); !got.Equals(want) {
			t.Fatalf("%d µs: got a count at %d µs, want one at %d µs", µs, got.Max(), want.Max())
		}
	}
}

func TestHistShowsWhatWasCountedSince(t *testing.T) {
	h := newCounts()
	for n := range int64(3) {
		if got := h.dist().Total(); got != n {
			t.Errorf("got %d durations, want %d", got, n)
		}
		h.record(time.Second, 1)
	}
}

func BenchmarkHist(b *testing.B) {
	h := newCounts()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.record(time.Duration(i&0xffff)*time.Microsecond, 1)
	}
}
