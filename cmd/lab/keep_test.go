package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeepAndTable: a result is written into the file that asked for it, unless that asks something else by now or the runs are not all there.
func TestKeepAndTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := strings.Replace(changing, "expectation: No.", "expectation: No. # a remark\nmeasured: \"\"", 1)
	experiment := w.write("changing.yaml", source)
	if code, _, stderr := w.run(w.args("run", experiment, "--out="+w.out)...); code != exitOK {
		t.Fatalf("run: got status %d and %s", code, stderr)
	}
	code, stdout, stderr := w.run("table", w.out)
	if code != exitOK || !strings.Contains(stdout, "| A | B |") || !strings.Contains(stdout, "| latency | 12.5 | 12.5 |") {
		t.Errorf("table: got status %d and %s%s, want the medians", code, stdout, stderr)
	}
	keep := []string{"keep", w.out, "--experiments=" + w.dir}
	if code, _, stderr := w.run(keep...); code != exitOK {
		t.Errorf("keep: got status %d and %s", code, stderr)
	}
	text, err := os.ReadFile(experiment)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# a remark", "latency, B against A: 12.5 against 12.5; no measurable effect", "6 runs each"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("got %s, want it to contain %q", text, want)
		}
	}
	if code, shown, _ := w.run("show", experiment); code != exitOK || !strings.Contains(shown, "12.5 against 12.5") {
		t.Errorf("show: got status %d and %s, want the result", code, shown)
	}
	if code, _, stderr := w.run(keep...); code != exitOK {
		t.Errorf("keep again: got status %d and %s", code, stderr)
	}

	w.write("changing.yaml", strings.Replace(source, "111", "112", 1))
	if code, _, stderr := w.run(keep...); code != exitUsage || !strings.Contains(stderr, "has changed") {
		t.Errorf("changed since: got status %d and %s, want %d", code, stderr, exitUsage)
	}
	w.write("changing.yaml", source)
	if err := os.Remove(filepath.Join(w.out, "runs", "0003.json")); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := w.run(keep...); code != exitUsage || !strings.Contains(stderr, "runs missing") {
		t.Errorf("a run is missing: got status %d and %s, want %d", code, stderr, exitUsage)
	}
}
