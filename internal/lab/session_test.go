package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tickgate/internal/lab"
)

// fakeBench makes runs out of nothing and notes which.
type fakeBench struct {
	made []int
	// fail, if set, decides about the attempts.
	fail func(job lab.Job, made int) error
}

func (b *fakeBench) Run(ctx context.Context, job lab.Job) (*lab.Record, error) {
	b.made = append(b.made, job.Run.Number)
	if b.fail != nil {
		if err := b.fail(job, len(b.made)); err != nil {
			return nil, err
		}
	}
	report := fmt.Sprintf(`{"latency": {"p99_ms": %d}}`, 10+job.Run.Variant)
	return &lab.Record{Measurement: lab.Measurement{Swarm: json.RawMessage(report)}}, ctx.Err()
}

func manifest(exp *lab.Experiment) lab.Manifest {
	return lab.Manifest{Name: exp.Name, Seed: 3, Repeats: exp.Design.Repeats, Source: string(exp.Source)}
}

func session(t *testing.T, exp *lab.Experiment, store *lab.Store, bench lab.Bench) *lab.Session {
	t.Helper()
	t.Cleanup(func() { store.Close() })
	return &lab.Session{Experiment: exp, Store: store, Bench: bench, Progress: func(lab.Progress) {}}
}

func create(t *testing.T, exp *lab.Experiment, dir string) *lab.Store {
	t.Helper()
	store, err := lab.Create(dir, manifest(exp))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// TestResume: a session that was interrupted goes on with the run it was at, in the same order.
func TestResume(t *testing.T) {
	exp := parse(t, simple)
	dir := filepath.Join(t.TempDir(), "out")
	store := create(t, exp, dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted for a test")
	first := &fakeBench{fail: func(_ lab.Job, made int) error {
		if made == 5 {
			cancel(why)
			return ctx.Err()
		}
		return nil
	}}
	if err := session(t, exp, store, first).Run(ctx); !errors.Is(err, why) {
		t.Fatalf("got %v, want %v", err, why)
	}
	if failures, err := store.Failures(); err != nil || len(failures) > 0 {
		t.Errorf("got failures %v, %v, want none: an interruption is not one", failures, err)
	}
	store.Close()

	store, err := lab.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.Experiment()
	if err != nil {
		t.Fatal(err)
	}
	second := &fakeBench{}
	if err := session(t, again, store, second).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(second.made) != 28 || second.made[0] != 5 {
		t.Errorf("got runs %v, want 5 to 32", second.made)
	}
	records, err := store.Records()
	if err != nil {
		t.Fatal(err)
	}
	var got []lab.Run
	for _, r := range records {
		got = append(got, r.Run)
	}
	if want := exp.Schedule(3); !slices.Equal(got, want) {
		t.Errorf("got runs %v, want %v", got, want)
	}
	third := &fakeBench{}
	if err := session(t, again, store, third).Run(t.Context()); err != nil || len(third.made) != 0 {
		t.Errorf("got %v and runs %v, want nothing left to do", err, third.made)
	}
}

// TestFailedRunIsMadeAgain, once, and is remembered.
func TestFailedRunIsMadeAgain(t *testing.T) {
	exp := parse(t, simple)
	store := create(t, exp, t.TempDir())
	bench := &fakeBench{fail: func(_ lab.Job, made int) error {
		if made == 3 {
			return errors.New("port taken")
		}
		return nil
	}}
	if err := session(t, exp, store, bench).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(bench.made) != 33 {
		t.Errorf("got %d attempts, want 33", len(bench.made))
	}
	failures, err := store.Failures()
	if err != nil || len(failures) != 1 || failures[0].Run.Number != 3 || failures[0].Error != "port taken" {
		t.Errorf("got %v, %v, want the one failure", failures, err)
	}
}

func TestFailingRunEndsTheSession(t *testing.T) {
	exp := parse(t, simple)
	store := create(t, exp, t.TempDir())
	bench := &fakeBench{fail: func(job lab.Job, _ int) error {
		if job.Run.Number == 3 {
			return errors.New("out of memory")
		}
		return nil
	}}
	err := session(t, exp, store, bench).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "run 3") || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("got %v, want an error that names the run and its reason", err)
	}
	if len(bench.made) != 4 {
		t.Errorf("got attempts %v, want the third run twice and no other", bench.made)
	}
}

// TestMissingMetricIsFoundAtTheFirstRun and not after hours.
func TestMissingMetricIsFoundAtTheFirstRun(t *testing.T) {
	exp := parse(t, strings.Replace(simple, "p99_ms", "p98_ms", 1))
	bench := &fakeBench{}
	err := session(t, exp, create(t, exp, t.TempDir()), bench).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "p98_ms") || len(bench.made) != 2 {
		t.Errorf("got %v after %d attempts, want an error after the first run", err, len(bench.made))
	}
}

func TestStoreRefuses(t *testing.T) {
	exp := parse(t, simple)
	dir := t.TempDir()
	store := create(t, exp, dir)
	input := new(lab.InputError)
	if _, err := lab.Open(dir); !errors.As(err, &input) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second lab: got %v, want an InputError that it is in use", err)
	}
	store.Close()
	if _, err := lab.Create(dir, manifest(exp)); !errors.As(err, &input) || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("again: got %v, want an InputError that hints at --resume", err)
	}
	if _, err := lab.Open(t.TempDir()); !errors.As(err, &input) {
		t.Errorf("empty directory: got %v, want an InputError", err)
	}
}

// TestContinueOnlyTheSame: runs of other experiments, programs or machines are not mixed.
func TestContinueOnlyTheSame(t *testing.T) {
	exp := parse(t, simple)
	env := func() lab.Environment {
		e := lab.Environment{Programs: []lab.Program{{Path: "bin/gateway", SHA256: "1"}}, Sysctls: map[string]string{"net.core.somaxconn": "4096"}}
		e.Kernel = "Linux 6.1"
		return e
	}
	m := manifest(exp)
	m.Environment = env()
	store, err := lab.Create(t.TempDir(), m)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Continue(env(), exp.Source); err != nil {
		t.Errorf("the same: got %v, want no error", err)
	}
	kernel, program, setting := env(), env(), env()
	kernel.Kernel = "Linux 6.2"
	program.Programs = []lab.Program{{Path: "bin/gateway", SHA256: "2"}}
	setting.Sysctls = map[string]string{"net.core.somaxconn": "128"}
	tests := []struct {
		env    lab.Environment
		source string
		want   string
	}{
		{kernel, simple, "kernel"},
		{program, simple, "built anew"},
		{setting, simple, "somaxconn was 4096 and is 128"},
		{env(), simple + "#", "has changed"},
	}
	for _, tt := range tests {
		if err := store.Continue(tt.env, []byte(tt.source)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error with %q", err, tt.want)
		}
	}
}

// TestTornFilesAreIgnored: what a killed lab was just writing has another name.
func TestTornFilesAreIgnored(t *testing.T) {
	exp := parse(t, simple)
	store := create(t, exp, t.TempDir())
	defer store.Close()
	if err := os.WriteFile(filepath.Join(store.Dir, "runs", ".0001.json.123"), []byte(`{"run`), 0o644); err != nil {
		t.Fatal(err)
	}
	if records, err := store.Records(); err != nil || len(records) != 0 {
		t.Errorf("got %v, %v, want no records", records, err)
	}
}
