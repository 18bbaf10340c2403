package session

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"tickgate/internal/hub"
	"tickgate/internal/trial"
)

var policies = []hub.Policy{hub.Latest, hub.All}

// A client that never reads is evicted with a reset once its socket has taken nothing for the write timeout, on both
// policies and transports; those that read are not.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			g := serve(t, Config{Sockets: tight, WriteTimeout: time.Second}, hub.TopicConfig{Policy: policy})
			socket := g.sleeper().open(request("/ws", upgrade...), 101)
			stream := g.sleeper().open(request("/sse"), 200)
			reader := g.ws("/ws")
			g.subscribed(3)
			for range 64 {
				g.publish(text(16 << 10))
				reader.expect(ws.OpText, text(16<<10))
			}
			g.closed(WriteTimeout, 2)
			g.publish("and on it goes")
			reader.expect(ws.OpText, "and on it goes")
			for _, c := range []*client{socket, stream} {
				if n, err := io.Copy(io.Discard, c.r); !errors.Is(err, unix.ECONNRESET) {
					t.Errorf("sleeper: got %v after %d bytes, want a reset", err, n)
				}
			}
			s := g.snapshot()
			if s.Fanout.Subscriptions != 1 || s.Loop.UnsentBytes != 0 {
				t.Errorf("got %d subscriptions and %d bytes unsent, want those of the reader", s.Fanout.Subscriptions, s.Loop.UnsentBytes)
			}
		})
	}
}

// A slow client that takes some bytes now and then is slow, not gone.
func TestWriteTimeoutSparesThoseThatRead(t *testing.T) {
	t.Parallel()
	trial.Grow(t, time.Second, func(t testing.TB, unit time.Duration) {
		g := serve(t, Config{Sockets: tight, WriteTimeout: unit}, hub.TopicConfig{})
		c := g.sleeper().open(request("/ws", upgrade...), 101)
		g.subscribed(1)
		g.publish(text(256 << 10))
		g.blocked(1)
		buf := make([]byte, 8<<10)
		for read := 0; read < 200<<10; time.Sleep(unit * 6 / 100) { // over 1.5 units
			n, err := io.ReadAtLeast(c, buf, len(buf))
			if err != nil {
				t.Fatalf("after %d bytes: %v", read, err)
			}
			read += n
		}
		if got := g.snapshot().Sessions[WebSocket][Open]; got != 1 {
			t.Errorf("got %d sessions, want the slow client still there", got)
		}
	})
}

// On an all topic, a client that falls behind further than the ring is told of the gap and closed; it has got everything
// before in order, and can resume.
func TestSlowConsumer(t *testing.T) {
	const (
		ring     = 8
		messages = 40
		size     = 32 << 10
	)
	payload := func(n int) string { return fmt.Sprintf("%d %s", n, text(size)) }
	overrun := func(t *testing.T, head string) (*gateway, *client) {
		g := serve(t, Config{Sockets: tight}, hub.TopicConfig{Policy: hub.All, RingSize: ring})
		c := g.sleeper()
		c.write(head)
		g.subscribed(1)
		for n := 1; n <= messages; n++ {
			g.publish(payload(n))
			if n == 1 {
				g.blocked(1)
			}
		}
		g.subscribed(0)
		if got := g.snapshot(); got.Fanout.Overruns != 1 || got.Loop.UnsentBytes > size+maxPending {
			t.Errorf("got %d overruns, %d bytes unsent, want one and at most a message", got.Fanout.Overruns, got.Loop.UnsentBytes)
		}
		return g, c
	}
	t.Run("ws", func(t *testing.T) {
		_, c := overrun(t, request("/ws", upgrade...))
		c.open("", 101)
		for n := 1; ; n++ {
			f := c.frame()
			if f.op == ws.OpClose {
				if got := f.payload[:2]; got != "\x0f\xa8" || n == 1 { // 4008
					t.Errorf("after %d messages: got close frame %q, want 4008", n-1, f.payload)
				}
				break
			}
			if f.payload != payload(n) {
				t.Fatalf("got %.20q, want message %d", f.payload, n)
			}
		}
		c.end()
		c.intact()
	})
	t.Run("sse", func(t *testing.T) {
		g, c := overrun(t, request("/sse"))
		c.open("", 200)
		c.retry()
		next := 1
		for {
			got := c.block()
			if strings.HasPrefix(got, "event: gap\n") {
				if want := fmt.Sprintf(`"oldest":"e-%d","topic":"ticks"`, messages-ring+1); next == 1 || !strings.Contains(got, `"oldest":"e-`) {
					t.Errorf("after %d events: got %q, want a gap with %s", next-1, got, want)
				}
				break
			}
			if want := fmt.Sprintf("id: e-%d\ndata: %s\n", next, payload(next)); got != want {
				t.Fatalf("got %.40q, want event %d", got, next)
			}
			next++
		}
		c.retry()
		c.end()
		c.intact()
		again := g.sse("/sse", fmt.Sprintf("Last-Event-ID: e-%d", next-1))
		if got := again.block(); !strings.HasPrefix(got, "event: gap\n") {
			t.Errorf("resumed: got %.40q, want the gap", got)
		}
		for n := messages - ring + 1; n <= messages; n++ {
			again.event(fmt.Sprintf("id: e-%d\ndata: %s\n", n, payload(n)))
		}
	})
}

// Clients that read get every message while others sleep, and a sleeper costs no more than the rest of one message.
// When it wakes up it goes on as its policy says.
func TestSleepersDelayNobody(t *testing.T) {
	const (
		sleepers = 20
		messages = 200
		size     = 16 << 10
	)
	payload := func(n int) string { return fmt.Sprintf("%d %s", n, text(size)) }
	for _, policy := range policies {
		t.Run(policy.String(), func(t *testing.T) {
			g := serve(t, Config{Sockets: tight}, hub.TopicConfig{Policy: policy})
			var asleep []*client
			for range sleepers {
				asleep = append(asleep, g.sleeper().open(request("/ws", upgrade...), 101))
			}
			socket, stream := g.ws("/ws"), g.sse("/sse")
			g.subscribed(sleepers + 2)
			for n := 1; n <= messages; n++ {
				g.publish(payload(n))
				socket.expect(ws.OpText, payload(n))
				stream.event(fmt.Sprintf("id: e-%d\ndata: %s\n", n, payload(n)))
			}
			s := g.snapshot()
			if s.Loop.BlockedConns != sleepers || s.Loop.UnsentBytes > sleepers*(size+100) {
				t.Errorf("got %d blocked, %d bytes unsent, want %d with a message each at most", s.Loop.BlockedConns, s.Loop.UnsentBytes, sleepers)
			}
			for _, c := range asleep {
				checkWakingUp(t, c, policy, messages, payload)
			}
			s = g.snapshot()
			if policy == hub.All && s.Fanout.Conflated != 0 || policy == hub.Latest && s.Fanout.Conflated == 0 {
				t.Errorf("conflated: got %d, want some on a latest topic only", s.Fanout.Conflated)
			}
			if got := s.Fanout.Delivered + s.Fanout.Conflated; got != (sleepers+2)*messages {
				t.Errorf("delivered and conflated: got %d, want %d", got, (sleepers+2)*messages)
			}
		})
	}
}

// checkWakingUp reads what a sleeper finds: everything in order, or what was in its socket and then the newest.
func checkWakingUp(t *testing.T, c *client, policy hub.Policy, newest int, payload func(int) string) {
	t.Helper()
	for next := 1; next <= newest; next++ {
		var n int
		_, got := c.message()
		if _, err := fmt.Sscan(got, &n); err != nil || got != payload(n) {
			t.Fatalf("got %.20q, want a message", got)
		}
		if n != next && (policy == hub.All || n != newest) {
			t.Fatalf("got message %d, want %d or, if that may be skipped, %d", n, next, newest)
		}
		next = n
	}
}
