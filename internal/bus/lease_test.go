package bus

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// external returns a server without a stream, and a configuration for those who use it.
func external(t *testing.T) (*Bus, Config) {
	t.Helper()
	server := open(t, Config{Listen: true, Token: "token"})
	if err := server.js.DeleteStream(t.Context(), Stream); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(server.Endpoint().URL, "://", "://token@", 1)
	return server, Config{URLs: []string{url}}
}

// leader is a call of Lead.
type leader struct {
	running atomic.Bool
	cancel  context.CancelFunc
	ended   chan struct{}
}

func lead(t *testing.T, b *Bus, together *atomic.Int32) *leader {
	ctx, cancel := context.WithCancel(t.Context())
	l := &leader{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		b.Lead(ctx, "feed of topic ticks", func(ctx context.Context) {
			if together.Add(1) > 1 {
				t.Error("two processes lead at a time")
			}
			l.running.Store(true)
			<-ctx.Done()
			l.running.Store(false)
			together.Add(-1)
		})
	}()
	t.Cleanup(func() { cancel(); <-l.ended })
	return l
}

// The lease goes to another process at once when its holder ends in order, and after a while when it is killed or cut off.
func TestLead(t *testing.T) {
	t.Parallel()
	_, cfg := external(t)
	var together atomic.Int32
	one, two, three := open(t, cfg), open(t, cfg), open(t, cfg)
	first := lead(t, one, &together)
	waitFor(t, "the first leads", first.running.Load)
	second := lead(t, two, &together)
	first.cancel()
	<-first.ended
	waitFor(t, "the second takes over", second.running.Load)
	third := lead(t, three, &together)
	_ = two.Close() // it cannot give the lease back
	<-second.ended
	waitLong(t, "the third takes over", third.running.Load)
}

// waitLong is waitFor for what takes long by itself.
func waitLong(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for range 6 {
		deadline := time.Now().Add(patience)
		for !cond() && time.Now().Before(deadline) {
			wait(t.Context(), 10*time.Millisecond)
		}
		if cond() {
			return
		}
	}
	t.Fatalf("%s: not after %v", what, 6*patience)
}

// What nobody else can do needs no lease.
func TestLeadAlone(t *testing.T) {
	b := open(t, Config{})
	ran := 0
	b.Lead(t.Context(), "x", func(context.Context) { ran++ })
	if ran != 1 {
		t.Errorf("run: got %d calls, want 1", ran)
	}
}
