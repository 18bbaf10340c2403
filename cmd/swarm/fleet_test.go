package main

import (
	"testing"
	"time"

	"tickgate/internal/load"
)

// TestEngineEnds: what the clients have seen before stays in the report, and counters never run backwards.
func TestEngineEnds(t *testing.T) {
	f := newFeed(t, 10*time.Millisecond)
	targets, err := load.ParseTarget(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := load.Resolve(t.Context(), targets); err != nil {
		t.Fatal(err)
	}
	engine, err := load.New(load.Config{Targets: targets, Count: 3, Loops: 1, TimeField: "ts", SeqField: "seq"})
	if err != nil {
		t.Fatal(err)
	}
	l := newLocal(engine)
	defer l.close()
	if err := l.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var before *load.Stats
	for deadline := time.Now().Add(time.Minute); before == nil || before.Connected() < 3 || before.Sum().Messages == 0; time.Sleep(10 * time.Millisecond) {
		if before, err = l.stats(t.Context()); err != nil || time.Now().After(deadline) {
			t.Fatalf("got %+v and %v, want 3 clients with messages", before, err)
		}
	}
	engine.Stop()
	after, err := l.stats(t.Context())
	if err == nil || after.Sum().Messages != before.Sum().Messages || after.Connected() != 0 {
		t.Errorf("got %+v and %v, want an error, the messages and nobody connected", after.Sum(), err)
	}
}
