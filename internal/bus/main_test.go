package bus

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDir); dir != "" {
		os.Exit(runOwner(dir))
	}
	goleak.VerifyTestMain(m)
}

// patience bounds everything a test waits for.
const patience = time.Minute

func open(t *testing.T, cfg Config) *Bus {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = testLogger(t)
	}
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func connect(t *testing.T, e Endpoint) *Bus {
	t.Helper()
	b, err := Connect(t.Context(), e)
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	b.log = testLogger(t)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func testLogger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func publish(t *testing.T, b *Bus, m Msg) Ack {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ack, err := b.Publish(ctx, m)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	return ack
}

// inbox is a subscription with what it got.
type inbox struct {
	*Subscription
	messages chan Msg
}

func subscribe(t *testing.T, b *Bus, from uint64) *inbox {
	t.Helper()
	in := &inbox{messages: make(chan Msg, 100_000)}
	var err error
	in.Subscription, err = b.Subscribe(t.Context(), from, func(m Msg) { in.messages <- m })
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	t.Cleanup(in.Stop)
	return in
}

func (in *inbox) next(t *testing.T) Msg {
	t.Helper()
	select {
	case m := <-in.messages:
		return m
	case <-time.After(patience):
		t.Fatalf("no message after %v", patience)
		return Msg{}
	}
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not after %v", what, patience)
	}
}

func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}
