package session

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

func TestEcho(t *testing.T) {
	g := serve(t, Config{Echo: true, MaxInbound: 4 << 20}, hub.TopicConfig{})
	c := g.ws("/echo")
	g.publish("not for an echo")
	tests := []struct {
		name string
		op   ws.OpCode
		send []string // payloads of the fragments
	}{
		{"empty", ws.OpText, []string{""}},
		{"text", ws.OpText, []string{"hello"}},
		{"binary", ws.OpBinary, []string{"\xff\xfe\x00"}},
		{"fragments", ws.OpText, []string{"one ", "", "two ", "three"}},
		{"empty fragments", ws.OpBinary, []string{"", "", ""}},
		{"rune across fragments", ws.OpText, []string{"\xe2", "\x82", "\xac"}},
		{"many fragments", ws.OpText, strings.Split(text(3000), "")},
		{"large", ws.OpText, []string{text(3 << 20)}},
		{"large fragments", ws.OpBinary, []string{text(1 << 20), text(1<<20 + 1), text(70_001)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			go func() {
				for i, payload := range tt.send {
					op := tt.op
					if i > 0 {
						op = ws.OpContinuation
					}
					_, _ = io.WriteString(c, masked(op, i == len(tt.send)-1, payload))
				}
			}()
			op, got := c.message()
			if want := strings.Join(tt.send, ""); op != tt.op || got != want {
				t.Errorf("got %v of %d bytes, want %v of %d, equal", op, len(got), tt.op, len(want))
			}
		})
	}
}

// Control frames come back where they were between fragments.
func TestEchoKeepsTheOrder(t *testing.T) {
	g := serve(t, Config{Echo: true}, hub.TopicConfig{})
	c := g.ws("/echo")
	c.write(masked(ws.OpText, false, "a") + masked(ws.OpPing, true, "p") + masked(ws.OpContinuation, true, "b") + closing(1000, ""))
	for _, want := range []frame{{ws.OpText, false, "a"}, {ws.OpPong, true, "p"}, {ws.OpContinuation, true, "b"}} {
		if got := c.frame(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	c.closeFrame()
}

// A client that does not take its echo is not read from: what waits for it stays within bounds, and nothing is lost.
func TestEchoBackpressure(t *testing.T) {
	g := serve(t, Config{Echo: true, Sockets: tight}, hub.TopicConfig{})
	c := g.sleeper().open(request("/echo", upgrade...), 101)
	const messages = 200
	want := text(60_000)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range messages {
			_, _ = io.WriteString(c, masked(ws.OpText, true, want))
		}
	}()
	g.blocked(1)
	read := uint64(0)
	for steady := 0; steady < 20; time.Sleep(5 * time.Millisecond) { // until nothing more is read for 100 ms
		s := g.snapshot()
		if s.Loop.UnsentBytes > maxPendingEcho {
			t.Fatalf("got %d bytes unsent, want at most %d", s.Loop.UnsentBytes, maxPendingEcho)
		}
		if steady++; s.Loop.BytesIn != read {
			read, steady = s.Loop.BytesIn, 0
		}
	}
	for i := range messages {
		if op, got := c.message(); op != ws.OpText || got != want {
			t.Fatalf("message %d: got %v of %d bytes, want %d bytes of text", i, op, len(got), len(want))
		}
	}
	await(t, sent, "the last message")
}
