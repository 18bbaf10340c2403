package main

import (
	"bytes"
	"strings"
	"testing"

	"tickgate/internal/config"
)

// TestTopicsChecksItsFlags: all that is wrong is said at once, and nobody is asked.
func TestTopicsChecksItsFlags(t *testing.T) {
	for limit, want := range map[string]int{"0": 2, "x": 2, "100001": 2, "7": 1} {
		var stderr bytes.Buffer
		p := program{stderr: &stderr}
		code := p.topics(t.Context(), &topicsFlags{Limit: limit}, new(config.Config))
		if code != config.ExitUsage || strings.Count(stderr.String(), "\n  --") != want || !strings.Contains(stderr.String(), "--admin") {
			t.Errorf("limit %s: got exit status %d and %q, want %d settings to be named", limit, code, stderr.String(), want)
		}
	}
}
