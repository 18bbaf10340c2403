package prefork_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/prefork"
)

// envRole makes the test binary a supervisor that a test can kill; its value is the mode of the workers.
const envRole = "PREFORK_TEST_SUPERVISE"

func TestMain(m *testing.M) {
	if prefork.IsChild() {
		os.Exit(work())
	}
	if mode, ok := os.LookupEnv(envRole); ok {
		os.Exit(superviseUntilKilled(mode))
	}
	goleak.VerifyTestMain(m)
}

// start starts a supervisor whose workers follow o, and ends it with the test.
func start(t *testing.T, o orders, cfg prefork.Config) *prefork.Supervisor {
	t.Helper()
	if cfg.Output == nil {
		cfg.Output = io.Discard
	}
	if cfg.Settings == nil {
		cfg.Settings = func(int) (any, error) { return o, nil }
	}
	s, err := prefork.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		<-s.Done()
	})
	return s
}

// ready is start, and waits until all workers are ready.
func ready(t *testing.T, o orders, cfg prefork.Config) *prefork.Supervisor {
	t.Helper()
	s := start(t, o, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually polls ok until it holds, for at most a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// get returns what w answers to path.
func get(t *testing.T, w *prefork.Worker, path string) string {
	t.Helper()
	resp, err := w.Client().Get(prefork.BaseURL + path)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return string(body)
}

// crash makes w's process end with status 4.
func crash(w *prefork.Worker) {
	resp, err := w.Client().Get(prefork.BaseURL + "/crash")
	if err == nil {
		resp.Body.Close()
	}
}

// alive reports whether process pid runs; a zombie does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
