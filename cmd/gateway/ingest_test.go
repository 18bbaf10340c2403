package main

import (
	"errors"
	"testing"

	"tickgate/internal/bus"
)

// TestIngestWithoutBus: what the bus refuses is no Pending, not even one that holds a nil pointer: whoever asked it anything
// would end the request with a panic.
func TestIngestWithoutBus(t *testing.T) {
	b, err := bus.Open(t.Context(), bus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	in := new(ingest)
	for _, want := range []error{bus.ErrUnavailable, bus.ErrClosed} { // not opened yet, closed already
		if pending, err := in.PublishAsync(bus.Msg{Topic: "a"}); pending != nil || !errors.Is(err, want) {
			t.Errorf("got %#v, %v, want nil, %v", pending, err, want)
		}
		in.bus.Store(b)
	}
}
