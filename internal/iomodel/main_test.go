package iomodel

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/session"
)

func TestMain(m *testing.M) {
	ReleasePool()
	goleak.VerifyTestMain(m)
}

// front is what the models have in common with internal/session.
type front interface {
	Listen(addr string) error
	Run() error
	Stop()
	Drain(d time.Duration)
}

// gateway is a running front with a hub.
type gateway struct {
	front
	hub  *hub.Hub
	addr string
	seq  uint64
	stop func() error // stops and returns what Run returned
}

// server returns the front as a model of this package.
func (g *gateway) server() Server { return g.front.(Server) }

func testConfig(h *hub.Hub) Config {
	return Config{Hub: h, DefaultTopic: "ticks", Loops: 2, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// start runs a model with the configuration that adjust changes.
func start(t testing.TB, kind string, adjust func(*Config)) *gateway {
	t.Helper()
	h := hub.New(hub.Config{Epoch: "e"})
	cfg := testConfig(h)
	if adjust != nil {
		adjust(&cfg)
	}
	s, err := New(kind, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, s, h)
}

// startSession runs one loop of the real thing.
func startSession(t testing.TB) *gateway {
	t.Helper()
	h := hub.New(hub.Config{Epoch: "e"})
	l, err := session.NewLoop(session.Config{Hub: h, DefaultTopic: "ticks"}, epoll.NewSlab[session.State](20_000))
	if err != nil {
		t.Fatal(err)
	}
	return run(t, l, h)
}

func run(t testing.TB, f front, h *hub.Hub) *gateway {
	t.Helper()
	port, err := epoll.Reserve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	g := &gateway{front: f, hub: h, addr: port.Addr.String()}
	if err := f.Listen(g.addr); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Run() }()
	g.stop = func() error {
		f.Stop()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return g
}

func (g *gateway) publish(payload string) *hub.Message {
	return g.publishEvent(payload, "")
}

func (g *gateway) publishEvent(payload, event string) *hub.Message {
	g.seq++
	g.hub.Publish(hub.Publication{Seq: g.seq, Topic: "ticks", Payload: []byte(payload), Event: event, Time: time.Now()})
	topic := g.hub.Topic("ticks")
	return topic.At(topic.Head())
}

// eventually polls a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not reached", what)
		}
	}
}

// opened waits until n sessions of a transport have been opened.
func (g *gateway) opened(t testing.TB, transport string, n uint64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d %s sessions", n, transport), func() bool {
		return g.server().Snapshot().Handshakes[transport] >= n
	})
}

// eachModel runs a test with both models.
func eachModel(t *testing.T, test func(t *testing.T, kind string)) {
	for _, kind := range []string{Gnet, Goroutine} {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}

// descriptors counts the descriptors of this process.
func descriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
