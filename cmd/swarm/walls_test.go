package main

import (
	"slices"
	"testing"
	"time"

	"tickgate/internal/load"
)

// TestFullQueueOfAnother: the kernel counts full accept queues of all programs; ours is told of only when connects of our own were slow.
func TestFullQueueOfAnother(t *testing.T) {
	const full = "3 handshakes were put off, because some queue was full: net.core.somaxconn is 4096 connections, needs 8192 connections (why); " +
		"to raise it: sudo sysctl -w net.core.somaxconn=8192; to undo that: sudo sysctl -w net.core.somaxconn=4096"
	const want = "handshakes were put off for 1 s and more, because an accept queue was full; " +
		"to raise it: sudo sysctl -w net.core.somaxconn=8192; to undo that: sudo sysctl -w net.core.somaxconn=4096"
	connects := func(slowest time.Duration) *load.Stats {
		h := load.Histogram()
		if err := h.RecordValue(slowest.Microseconds()); err != nil {
			t.Fatal(err)
		}
		s := &load.Stats{}
		for i, n := range h.Export().Counts {
			if n > 0 {
				s.Connect = load.Dist{Index: []int32{int32(i)}, Count: []int64{n}}
			}
		}
		return s
	}
	timedOut := &load.Stats{}
	timedOut.Faults.ByKind[load.TimedOut] = 1
	for _, tt := range []struct {
		name  string
		line  string
		stats *load.Stats
		want  []string
	}{
		{"quick connects", full, connects(900 * time.Millisecond), nil},
		{"a SYN was sent again", full, connects(1005 * time.Millisecond), []string{want}},
		{"connects in vain", full, timedOut, []string{want}},
		{"slow connects alone", "", connects(2 * time.Second), nil},
		{"another limit", "nofile is 9", connects(0), []string{"nofile is 9"}},
	} {
		var lines []string
		w := &walls{tell: func(line string) { lines = append(lines, line) }}
		if tt.line != "" {
			w.say(tt.line)
		}
		w.putOff(tt.stats)
		w.putOff(tt.stats)
		if !slices.Equal(lines, tt.want) || !slices.Equal(w.told, tt.want) {
			t.Errorf("%s: got %q and %q for the report, want %q", tt.name, lines, w.told, tt.want)
		}
	}
}
