package load

import (
	"testing"
	"time"
)

// A process that is busy for a while must show it: without that the report could not tell that the swarm was the
// bottleneck.
func TestStatsTellTheProcessorTime(t *testing.T) {
	e, err := New(Config{Targets: []Target{{Transport: WebSocket}}})
	if err != nil {
		t.Fatal(err)
	}
	e.Start()
	defer e.Stop()
	busy := func() time.Duration {
		s, err := e.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Busy
	}
	const work = 20 * time.Millisecond
	before := busy()
	deadline := time.Now().Add(time.Minute)
	for busy() < before+work { // asking is work, too
		if time.Now().After(deadline) {
			t.Fatalf("got %s, and %s a minute later, want %s more", before, busy(), work)
		}
	}
}
