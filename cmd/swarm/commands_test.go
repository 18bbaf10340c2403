package main

import (
	"strings"
	"testing"
)

// TestVersionCommand: `swarm version` says what --version says.
func TestVersionCommand(t *testing.T) {
	said := map[string]string{}
	for _, arg := range []string{versionName, "--version"} {
		var stdout, stderr strings.Builder
		if code := run(t.Context(), []string{arg}, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
			t.Errorf("%s: got code %d and %q", arg, code, stderr.String())
		}
		said[arg] = stdout.String()
	}
	if !strings.HasPrefix(said[versionName], "swarm ") || said[versionName] != said["--version"] {
		t.Errorf("got %q", said)
	}
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{versionName, "now"}, &stdout, &stderr); code != exitUsage {
		t.Errorf("got code %d for an argument too many, want %d", code, exitUsage)
	}
}
