package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	w := newWorld(t)
	unknown := w.write("unknown.yaml", changing+"reapeats: 3\n")
	flags := w.write("flags.yaml", strings.Replace(changing, "conns: 2", "conns: 2, speed: 3", 1))
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no command", nil, exitUsage, "expected"},
		{"unknown command", []string{"rum"}, exitUsage, "rum"},
		{"unknown flag", []string{"run", "aa", "--fast"}, exitUsage, "--fast"},
		{"no experiment", []string{"run"}, exitUsage, "which experiment"},
		{"no such experiment", []string{"run", "no-such"}, exitUsage, "/cmd/lab/experiments/no-such.yaml; `lab list` names"},
		{"unknown key", w.args("run", unknown), exitUsage, "reapeats"},
		{"unknown flag of a program", w.args("run", flags), exitUsage, "--speed"},
		{"repeats", []string{"run", "aa", "--repeats=1000"}, exitUsage, "1 to 200"},
		{"resume with more repeats", []string{"run", "--resume=x", "--repeats=9"}, exitUsage, "as planned"},
		{"resume nothing", w.args("run", "--resume="+w.state), exitUsage, "no experiment"},
		{"no programs", []string{"run", w.experiment, "--gateway=/nothing/gateway"}, exitUsage, "make build"},
		{"show nothing", []string{"show", "no-such"}, exitUsage, "no-such.yaml"},
		{"list nothing", []string{"list", w.state}, exitUsage, "no experiments (*.yaml) in " + w.state + "; "},
		{"list elsewhere", []string{"list"}, exitUsage, "/cmd/lab/experiments; name their directory"},
	}
	for _, tt := range tests {
		code, _, stderr := w.run(tt.args...)
		if code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: got status %d and %q, want %d and %q", tt.name, code, stderr, tt.code, tt.want)
		}
	}
}

func TestSkipped(t *testing.T) {
	w := newWorld(t)
	experiment := w.write("skipped.yaml", strings.Replace(changing, "net.core.somaxconn", "net.core.no_such_thing", 1))
	code, _, stderr := w.run(w.args("run", experiment)...)
	if code != exitSkipped || !strings.Contains(stderr, "skipped: ") || !strings.Contains(stderr, "no_such_thing") {
		t.Errorf("got status %d and %q, want %d and the reason", code, stderr, exitSkipped)
	}
}

func TestDryRunStartsNothing(t *testing.T) {
	w := newWorld(t)
	code, stdout, stderr := w.run(w.args("run", w.experiment, "--dry-run", "--out="+w.out)...)
	if code != exitOK {
		t.Errorf("got status %d and %s, want %d", code, stderr, exitOK)
	}
	for _, want := range []string{"sysctl -w net.core.somaxconn='100'", "now '4096'", w.gateway + " --listen", "12 runs in 6 blocks"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("got %s, want it to contain %q", stdout, want)
		}
	}
	if _, err := os.Stat(w.out); err == nil {
		t.Error("got an output directory, want none")
	}
	w.checkSysctls("dry run")
}

// TestWholeExperiment makes one with stand-ins and looks at everything that comes out.
func TestWholeExperiment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, stdout, stderr := w.run(w.args("run", w.experiment, "--out="+w.out, "--seed=5")...)
	if code != exitOK || !strings.Contains(stdout, "no measurable effect") {
		t.Fatalf("got status %d and %s%s, want no measurable effect", code, stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(w.out, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Schema string
		Design struct{ Seed uint64 }
		Result struct{ Headline string }
		Runs   []struct{ Values []float64 }
	}
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	if result.Schema != "tickgate-lab/1" || result.Design.Seed != 5 || len(result.Runs) != 12 || result.Runs[0].Values[0] != 12.5 {
		t.Errorf("got %+v, want 12 runs of seed 5", result)
	}
	page, err := os.ReadFile(filepath.Join(w.out, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"no measurable effect", "<svg", `id="data"`, "sysctl -w net.core.somaxconn='100'", "--conns=2"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("report.html does not contain %q", want)
		}
	}
	if code, _, stderr := w.run(w.args("run", w.experiment, "--out="+w.out)...); code != exitUsage || !strings.Contains(stderr, "--resume") {
		t.Errorf("again: got status %d and %q, want %d and a hint at --resume", code, stderr, exitUsage)
	}
}

// TestListLegend: a mark is explained where there is one.
func TestListLegend(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Dir(w.experiment)
	for _, marked := range []bool{false, true} {
		if marked {
			w.write("marked.yaml", changing+"measured: nothing\n")
		}
		code, stdout, stderr := w.run("list", dir)
		if code != exitOK || strings.Contains(stdout, "has a result") != marked || strings.Contains(stdout, "* marked") != marked {
			t.Errorf("got status %d and %s%s, want a legend: %v", code, stdout, stderr, marked)
		}
	}
}

// TestShipped: the experiments that come with lab can be listed and shown.
func TestShipped(t *testing.T) {
	w := newWorld(t)
	code, stdout, stderr := w.run("list", "../../experiments")
	if code != exitOK {
		t.Fatalf("list: got status %d and %s", code, stderr)
	}
	files, _ := filepath.Glob("../../experiments/*.yaml")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if !strings.Contains(stdout, " "+name+" ") {
			t.Errorf("list: got %s, want %s in it", stdout, name)
		}
		if code, shown, stderr := w.run("show", file); code != exitOK || !strings.Contains(shown, "expectation") {
			t.Errorf("show %s: got status %d and %s", name, code, stderr)
		}
	}
	if code, help, _ := w.run("help"); code != exitOK || !strings.Contains(help, "min-effect") {
		t.Errorf("help: got status %d and %s, want the reference", code, help)
	}
}
