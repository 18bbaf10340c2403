package session

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// TestCreditIsATokenBucket compares credits with a bucket of tokens that has no rounding, at random times, over more than one turn of the
// clock.
func TestCreditIsATokenBucket(t *testing.T) {
	const rate = 100
	tariff := newTariff(rate, 1)
	random := rand.New(rand.NewPCG(1, 2))
	var c credit
	full := uint64(tariff.depth)
	used, last := uint64(0), uint64(0) // in units: what is not paid back yet, and when it was so
	turns := uint64(0)
	for now := uint64(0); now < 3<<32; {
		switch random.IntN(20) {
		case 0:
			now += uint64(random.IntN(int(time.Hour / creditUnit)))
		default:
			now += uint64(random.IntN(int(20 * time.Millisecond / creditUnit)))
		}
		if random.IntN(5) == 0 {
			c.settle(uint32(now), tariff.depth)
		}
		n := 1 + random.IntN(3)
		cost := uint64(tariff.cost(n))
		used -= min(used, now-last)
		last = now
		want := used+cost <= full
		if got := c.spend(uint32(now), uint32(cost), tariff.depth); got != want {
			t.Fatalf("at %d, %d used: got %t for %d messages, want %t", now, used, got, n, want)
		}
		if want {
			used += cost
		}
		turns = now >> 32
	}
	if turns < 2 {
		t.Fatalf("got %d turns of the clock, want some", turns)
	}
}

// TestTariff: prices are rounded up, and the largest message fits.
func TestTariff(t *testing.T) {
	for _, c := range []struct {
		rate, largest, n int
		want             uint32
	}{
		{1, 1, 1, 250_000},
		{100, 1, 1, 2_500},
		{100, 1, 3, 7_500},
		{100_000, 1, 1, 3},
		{256 << 10, 64 << 10, 1, 1},
		{256 << 10, 64 << 10, 256 << 10, 250_000},
		{1, 1, 1 << 40, 1<<32 - 1},
	} {
		tariff := newTariff(c.rate, c.largest)
		if got := tariff.cost(c.n); got != c.want {
			t.Errorf("%d of %d a second: got %d units, want %d", c.n, c.rate, got, c.want)
		}
		var used credit
		if !used.spend(1<<31, tariff.cost(c.largest), tariff.depth) {
			t.Errorf("%d a second: got no room for the largest message, %d", c.rate, c.largest)
		}
	}
	if tariff := newTariff(1<<10, 64<<20); tariff.depth != 1<<30-1 {
		t.Errorf("a message of hours: got %d units, want a bound", tariff.depth)
	}
}

// bounded closes with 1008 and a reason, and counts it.
func (g *gateway) bounded(c *client, reason, label string) {
	g.t.Helper()
	if code, text := c.closeFrame(); code != wire.ClosePolicy || text != reason {
		g.t.Errorf("got close %d %q, want %d %q", code, text, wire.ClosePolicy, reason)
	}
	_ = c.Close()
	g.eventually(label, func(s *Snapshot) bool { return s.Closed[label] == 1 })
}

// A rate of 1/s has five at once: the sixth of a kind ends the session, unless seconds have passed in between. That the test may be slower
// than that is why it sends many at once.
func TestInboundRate(t *testing.T) {
	for name, frame := range map[string]string{
		"pings":     masked(ws.OpPing, true, ""),
		"pongs":     masked(ws.OpPong, true, "x"),
		"messages":  masked(ws.OpText, true, "hello"),
		"fragments": masked(ws.OpContinuation, false, ""),
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, Config{MaxInboundRate: 1}, hub.TopicConfig{})
			c := g.ws("/ws")
			flood := frame
			if name == "fragments" {
				flood = masked(ws.OpText, false, "")
			}
			c.write(flood + strings.Repeat(frame, 1000))
			g.bounded(c, "inbound rate: more than 1 messages a second", "inbound_rate")
		})
	}
}

// TestInboundWithinTheRate: what is allowed at once is, in whatever pieces; and a long message is one.
func TestInboundWithinTheRate(t *testing.T) {
	g := serve(t, Config{MaxInboundRate: 10, MaxInbound: 1 << 20}, hub.TopicConfig{})
	c := g.ws("/ws")
	long := masked(ws.OpBinary, true, text(1<<20))
	for len(long) > 0 { // many reads
		n := min(len(long), 4000)
		c.write(long[:n])
		long = long[n:]
	}
	for range 48 {
		c.write(masked(ws.OpPing, true, "")) // 49 with the message, of 50
	}
	for range 48 {
		c.expect(ws.OpPong, "")
	}
	c.write(closing(ws.StatusNormalClosure, ""))
	if code, _ := c.closeFrame(); code != wire.CloseNormal {
		t.Errorf("got close %d, want the client's", code)
	}
}

// TestInboundBytes: bytes count, whatever they are.
func TestInboundBytes(t *testing.T) {
	g := serve(t, Config{MaxInboundBytes: 1000, MaxInbound: 4 << 10}, hub.TopicConfig{})
	c := g.ws("/ws")
	flood := strings.Repeat(masked(ws.OpBinary, true, text(4<<10)), 40) // less than a connection that lingers may send
	go func() { _, _ = io.WriteString(c, flood) }()
	g.bounded(c, "inbound bytes: more than 1000 bytes a second", "inbound_bytes")
}

// TestInboundBytesOfAStream: an event stream has no way up, and a client that sends all the same is cut off.
func TestInboundBytesOfAStream(t *testing.T) {
	g := serve(t, Config{MaxInboundBytes: 1000, MaxInbound: 1}, hub.TopicConfig{})
	c := g.sse("/sse")
	c.write(text(1000))
	g.publish("still there")
	c.event("id: e-1\ndata: still there\n")
	c.write(text(100_000))
	c.end()
	_ = c.Close()
	g.closed(InboundBytes, 1)
}

// TestInboundOfEcho: suites that flood on purpose may.
func TestInboundOfEcho(t *testing.T) {
	g := serve(t, Config{Echo: true, MaxInboundRate: 1, MaxInboundBytes: 1}, hub.TopicConfig{})
	c := g.dial().open(request("/echo", upgrade...), http.StatusSwitchingProtocols)
	for range 100 {
		c.write(masked(ws.OpText, true, "again"))
		c.expect(ws.OpText, "again")
	}
}
