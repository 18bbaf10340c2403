package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tickgate/internal/load/cost/planner"
)

// small and large are reports of real runs on one machine (docs/measurements.md, Planner), without what the planner does not read.
const (
	small = "testdata/plan-20k.json"
	large = "testdata/plan-80k.json"
)

func planned(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = run(t.Context(), append([]string{"plan"}, args...), &out, &problems)
	return code, out.String(), problems.String()
}

func TestPlan(t *testing.T) {
	code, text, stderr := planned(t, small)
	if code != exitOK || stderr != "" {
		t.Fatalf("got code %d, %s", code, stderr)
	}
	for _, want := range []string{"100,000 CONNECTIONS", "1,000,000 CONNECTIONS", "user space", "kernel, each side", "first wall"} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in:\n%s", want, text)
		}
	}
}

func TestPlanAgainstALargerRun(t *testing.T) {
	code, text, stderr := planned(t, "--json", "--against", large, small, "--conns=60000")
	if code != exitOK {
		t.Fatalf("got code %d, %s", code, stderr)
	}
	var got planner.Plan
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Predictions) != 1 || got.Predictions[0].Conns != 60_000 || len(got.Against) != 4 {
		t.Fatalf("got %+v, want one prediction and four comparisons", got)
	}
	for _, c := range got.Against {
		if !c.Inside {
			t.Errorf("%s: measured %.3g %s is outside of %+v", c.Name, c.Measured, c.Unit, c.Predicted)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	bare := file("bare.json", `{"schema":"tickgate-swarm/1"}`)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "REPORT.json"},
		{"unknown flag", []string{small, "--bogus"}, "--bogus"},
		{"no such file", []string{filepath.Join(dir, "none.json")}, "none.json"},
		{"no JSON", []string{file("text.json", "hello")}, "text.json"},
		{"a page", []string{file("page.html", "<!doctype html>")}, "save it from the page's link"},
		{"another JSON", []string{file("other.json", `{"schema":"x"}`)}, "not tickgate-swarm/1"},
		{"a report without memory", []string{bare}, "--pid"},
		{"compared with one without memory", []string{small, "--against", bare}, "bare.json"},
		{"word for a number", []string{small, "--conns=many"}, `"many"`},
		{"no connections", []string{small, "--conns=0"}, `"0"`},
		{"too many connections", []string{small, "--conns=100000001"}, "100000001"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, text, stderr := planned(t, tt.args...)
			if code != exitUsage || !strings.Contains(stderr, tt.want) || text != "" {
				t.Errorf("got code %d and %q, want %d and %q", code, stderr, exitUsage, tt.want)
			}
		})
	}
	if code, text, _ := planned(t, "--help"); code != exitOK || !strings.Contains(text, "--against") {
		t.Errorf("got code %d and help %q", code, text)
	}
}
