package main

import (
	"bytes"
	"strings"
	"testing"

	"tickgate/internal/config"
)

func TestCount(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "20000": 20_000, "20k": 20_000, "1m": 1_000_000, "1M": 1_000_000, "-3": -3, "0k": 0} {
		if got, err := count(text); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "k", "20kk", "1.5m", "20 k", "1g", "9223372036854775807m", "99999999999"} {
		if got, err := count(text); err == nil {
			t.Errorf("%s: got %d, want an error", text, got)
		}
	}
}

// TestDoctorChecksItsFlags: all that is wrong is said at once, under the heading of all settings.
func TestDoctorChecksItsFlags(t *testing.T) {
	var stderr bytes.Buffer
	code := program{stderr: &stderr}.diagnose(&doctorFlags{Conns: "2g", For: "me", Rate: "1", Targets: "1"}, new(config.Config))
	want := "gateway doctor: 2 problems with the settings:\n  --conns=2g: write a whole number from 1 to 1000000000, such as 20000, 20k or 1m\n  --for=me: "
	if code != config.ExitUsage || !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("got exit status %d and %q, want %q", code, stderr.String(), want)
	}
}
