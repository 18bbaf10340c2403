package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Who has mistyped a path learns of it before the run, and the run before is still there if this one does not end.
func TestOutputsAreTriedBeforeTheRun(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--json", "--report"} {
		for _, file := range []string{filepath.Join(dir, "nowhere", "r"), dir} {
			var stdout, stderr output
			// Nobody listens there: the run itself would be told of that.
			code := run(t.Context(), []string{flag, file, "http://127.0.0.1:1"}, &stdout, &stderr)
			if got := stderr.String(); code != exitUsage || !strings.Contains(got, flag) || !strings.Contains(got, file) || strings.Contains(got, "127.0.0.1") {
				t.Errorf("%s %s: got exit code %d and %q, want %d and what is wrong with the file", flag, file, code, got, exitUsage)
			}
		}
	}
	fresh := &options{json: old, report: filepath.Join(dir, "new.html")}
	if err := fresh.tryOutputs(); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if b, err := os.ReadFile(old); err != nil || string(b) != "{}" {
		t.Errorf("got %q and %v, want the file as it was", b, err)
	}
	if _, err := os.Stat(fresh.report); !os.IsNotExist(err) {
		t.Errorf("got %v, want no new file", err)
	}
	for _, file := range []string{"", "-", os.DevNull} {
		if err := tryOutput("--json", file); err != nil {
			t.Errorf("%q: got %v, want no error", file, err)
		}
	}
}

// A named pipe is not opened to be tried: its reader would take that for the report's end, and without one it would never
// come back.
func TestOutputIsAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tryOutput("--json", pipe); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestOutputsAreTwoFiles(t *testing.T) {
	var stdout, stderr output
	if code := run(t.Context(), []string{"--json", "x", "--report", "x", "http://127.0.0.1:1"}, &stdout, &stderr); code != exitUsage ||
		!strings.Contains(stderr.String(), "cannot both go to x") {
		t.Errorf("got exit code %d and %q, want %d and the name of the file", code, stderr.String(), exitUsage)
	}
}
