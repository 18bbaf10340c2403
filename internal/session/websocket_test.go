package session

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

// Raw mode: a message is the payload as published, text if it is UTF-8, else binary.
func TestRawMessages(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.ws("/ws")
	g.subscribed(1)
	for _, payload := range []string{"", `{"price":101.25}`, "über", "two\nlines\r\n", text(125), text(126), text(70_000)} {
		g.publish(payload)
		c.expect(ws.OpText, payload)
	}
	g.publish("\xff\xfe")
	c.expect(ws.OpBinary, "\xff\xfe")
}

// Whatever a client says within the limits is ignored, but its pings are answered, in order.
func TestRawModeIgnoresMessages(t *testing.T) {
	g := serve(t, Config{MaxInbound: 1000}, hub.TopicConfig{})
	c := g.ws("/ws")
	g.subscribed(1)
	for i, message := range []string{
		masked(ws.OpText, true, "hello"),
		masked(ws.OpText, true, ""),
		masked(ws.OpBinary, true, "\xff\x00"),
		masked(ws.OpText, true, text(1000)),
		masked(ws.OpText, false, text(500)) + masked(ws.OpContinuation, false, "") + masked(ws.OpContinuation, true, text(500)),
		masked(ws.OpText, false, "\xc3") + masked(ws.OpPing, true, "between") + masked(ws.OpContinuation, true, "\xbc"),
		masked(ws.OpPong, true, "unasked"),
		masked(ws.OpPing, true, text(125)) + masked(ws.OpPing, true, ""),
	} {
		c.write(message)
		if strings.Contains(message, masked(ws.OpPing, true, "between")) {
			c.expect(ws.OpPong, "between")
		}
		if i == 7 {
			c.expect(ws.OpPong, text(125))
			c.expect(ws.OpPong, "")
		}
	}
	for i := range 20 {
		c.write(masked(ws.OpPing, true, fmt.Sprint("payload-", i)))
	}
	for i := range 20 {
		c.expect(ws.OpPong, fmt.Sprint("payload-", i))
	}
	g.publish("tick")
	c.expect(ws.OpText, "tick")
}

// A client that pings and pings without reading fills its own socket, and then is not read any more. Once it reads, it
// finds its last ping answered.
func TestPingFlood(t *testing.T) {
	g := serve(t, Config{Sockets: tight}, hub.TopicConfig{})
	c := g.sleeper().open(request("/ws", upgrade...), 101)
	flood := strings.Repeat(masked(ws.OpPing, true, text(100)), 2000)
	if err := c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	sent, err := 0, error(nil)
	for err == nil {
		var n int
		n, err = io.WriteString(c, flood)
		sent += n
		if sent > 64<<20 {
			t.Fatalf("got %d bytes read from a client that reads nothing, want an end", sent)
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("flood: got %v after %d bytes, want a socket that takes no more", err, sent)
	}
	if s := g.snapshot(); s.Loop.UnsentBytes > maxPending || s.Sessions[WebSocket][Open] != 1 {
		t.Errorf("got %d bytes unsent for %d sessions, want at most %d for one", s.Loop.UnsentBytes, s.Sessions[WebSocket][Open], maxPending)
	}

	if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	const whole = 6 + 100 // bytes of one ping
	go func() {
		_, _ = io.WriteString(c, flood[sent%whole:whole]+masked(ws.OpPing, true, "last")+masked(ws.OpPing, true, ""))
	}()
	for f := c.frame(); f.payload != ""; f = c.frame() {
		if f.op != ws.OpPong || f.payload != text(100) && f.payload != "last" {
			t.Fatalf("got %v %q, want pongs", f.op, f.payload)
		}
	}
}

// A ping that comes while a message is on its way to a slow client is answered behind it.
func TestPingOfABlockedClient(t *testing.T) {
	g := serve(t, Config{Sockets: tight}, hub.TopicConfig{})
	c := g.sleeper().open(request("/ws", upgrade...), 101)
	g.subscribed(1)
	g.publish(text(1 << 20))
	g.blocked(1)
	ping, in := masked(ws.OpPing, true, "are you there"), g.snapshot().Loop.BytesIn
	c.write(ping)
	g.eventually("the ping is read", func(s *Snapshot) bool { return s.Loop.BytesIn == in+uint64(len(ping)) })
	c.expect(ws.OpText, text(1<<20))
	c.expect(ws.OpPong, "are you there")
	c.write(masked(ws.OpPing, true, "again"))
	c.expect(ws.OpPong, "again")
}
