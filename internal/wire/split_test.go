package wire

import (
	"bytes"
	"testing"
)

// everySplit runs a parser over in as a whole, cut in two at each boundary, and byte by byte, and demands the same
// outcome each time. run gets the pieces one after the other and describes what came of them; it owns what it gets.
func everySplit(t *testing.T, in []byte, run func(pieces ...[]byte) string) string {
	t.Helper()
	want := run(bytes.Clone(in))
	step := 1 + len(in)/1024 // long inputs are sampled: all cuts of 64 KB would take minutes
	for i := step; i < len(in); i += step {
		if got := run(bytes.Clone(in[:i]), bytes.Clone(in[i:])); got != want {
			t.Fatalf("%q cut at %d: got %s, want %s", in, i, got, want)
		}
	}
	var single [][]byte
	for i := range in {
		single = append(single, bytes.Clone(in[i:i+1]))
	}
	if got := run(single...); got != want {
		t.Fatalf("%q byte by byte: got %s, want %s", in, got, want)
	}
	return want
}

// arrivals plays the event loop: it calls take with what is left of earlier pieces and the new one in a buffer of
// its own, and puts aside what take did not consume. It stops when take says so.
func arrivals(pieces [][]byte, take func(b []byte) (n int, stop bool)) {
	var rest []byte
	for _, p := range pieces {
		b := append(bytes.Clone(rest), p...)
		n, stop := take(b)
		if stop {
			return
		}
		rest = bytes.Clone(b[n:])
	}
}

// zeroAllocs is the gate beside a benchmark: f must not allocate once it is warm.
func zeroAllocs(t *testing.T, name string, f func()) {
	t.Helper()
	if raceEnabled {
		return // sync.Pool drops at random under the race detector
	}
	if got := testing.AllocsPerRun(200, f); got != 0 {
		t.Errorf("%s: got %v allocations, want 0", name, got)
	}
}
