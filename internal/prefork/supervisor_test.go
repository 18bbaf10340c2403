package prefork_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"tickgate/internal/prefork"
)

func start(t *testing.T, cfg prefork.Config) *prefork.Supervisor {
	t.Helper()
	if cfg.Output == nil {
		cfg.Output = io.Discard
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

func TestWorkersServe(t *testing.T) {
	s := start(t, prefork.Config{Workers: 3, Settings: func(id int) (any, error) {
		return orders{Secret: fmt.Sprint("secret", id)}, nil
	}})
	if err := s.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, w := range s.Workers() {
		want := fmt.Sprintf("%d %d secret%d", i, w.Status().PID, i)
		if got := get(t, w, "/whoami"); got != want {
			t.Errorf("worker %d: got %q, want %q", i, got, want)
		}
	}
}
