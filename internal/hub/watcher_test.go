package hub

import (
	"fmt"
	"slices"
	"testing"
)

// watcher writes down what it is told.
type watcher struct{ told []string }

func (w *watcher) Began(seq, delivered, blocked uint64) {
	w.told = append(w.told, fmt.Sprintf("began %d after %d, %d", seq, delivered, blocked))
}

func (w *watcher) Ended(seq, delivered, blocked uint64, overtaken bool) {
	w.told = append(w.told, fmt.Sprintf("ended %d after %d, %d overtaken=%v", seq, delivered, blocked, overtaken))
}

// A watcher is told of each message that a pass takes up, and when it is done with it: with everybody served, or overtaken.
func TestWatcher(t *testing.T) {
	b := newBench(t, TopicConfig{Policy: Latest})
	w := new(watcher)
	b.fanout.watch = w
	b.join(0, 1000)
	b.outcome[7] = Blocked
	b.publish(1)
	b.drain()
	b.seq = 10 // other topics have messages too
	b.publish(1)
	b.fanout.Work(400)
	b.publish(1)
	b.drain()
	want := []string{
		"began 1 after 0, 0", "ended 1 after 999, 1 overtaken=false",
		"began 11 after 999, 1", "overtaken", "began 12", "ended 12",
	}
	if len(w.told) != len(want) {
		t.Fatalf("got %q, want %d calls", w.told, len(want))
	}
	if !slices.Equal(w.told[:3], want[:3]) {
		t.Errorf("got %q, want %q", w.told[:3], want[:3])
	}
	for i, prefix := range []string{"ended 11 after 13", "began 12 after 13", "ended 12 after "} {
		if got := w.told[3+i]; got[:len(prefix)] != prefix {
			t.Errorf("got %q, want %q…", got, prefix)
		}
	}
	for i, overtaken := range map[int]string{3: "=true", 5: "=false"} {
		if got := w.told[i]; got[len(got)-len(overtaken):] != overtaken {
			t.Errorf("got %q, want overtaken%s", got, overtaken)
		}
	}
}
