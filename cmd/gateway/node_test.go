package main

import (
	"testing"

	"tickgate/internal/bus"
	"tickgate/internal/config"
)

// TestStartOf: at least a ring of the stream is read, and more of it where memory allows.
func TestStartOf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state bus.State
		ring  int
		bytes config.Size
		want  uint64
	}{
		{"empty", bus.State{First: 1, Last: 0}, 10, 1 << 20, 1},
		{"emptied", bus.State{First: 8, Last: 7}, 10, 1 << 20, 8},
		{"less than a ring", bus.State{First: 3, Last: 7, Bytes: 500}, 10, 1 << 20, 3},
		{"all fits", bus.State{First: 1, Last: 600, Bytes: 60_000}, 10, 1 << 20, 1},
		{"many rings", bus.State{First: 1, Last: 10_000, Bytes: 1_000_000}, 10, 1 << 20, 10_001 - 640},
		{"half the memory", bus.State{First: 1, Last: 10_000, Bytes: 3_000_000}, 1000, 1 << 20, 10_001 - (1<<19)/500},
		{"a ring in any case", bus.State{First: 1, Last: 10_000, Bytes: 300_000_000}, 1000, 1 << 20, 9_001},
	} {
		if got := startOf(tt.state, &config.Topics{Ring: tt.ring, Bytes: tt.bytes}); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
