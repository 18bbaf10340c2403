package session

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
)

// TestCloseHandshake: however a session ends, the client reads a close frame with the right code and then the end of
// the connection, whatever it was still sending; a reset could take the frame away from it.
func TestCloseHandshake(t *testing.T) {
	g := serve(t, Config{Echo: true}, hub.TopicConfig{})
	const noStatus = 1005
	tests := []struct {
		name   string
		send   string
		code   uint16
		reason epoll.Reason
	}{
		{"normal", closing(1000, "bye"), 1000, ClientClosed},
		{"going away", closing(1001, ""), 1001, ClientClosed},
		{"without a code", masked(ws.OpClose, true, ""), noStatus, ClientClosed},
		{"private code", closing(4123, text(123)), 4123, ClientClosed},
		{"with frames behind it", closing(1000, "") + masked(ws.OpText, true, "late") + masked(ws.OpPing, true, "") + closing(1001, ""), 1000, ClientClosed},
		{"with garbage behind it", closing(1000, "") + strings.Repeat("\xff", 300_000), 1000, ClientClosed},
		{"forbidden code", closing(1005, ""), 1002, ProtocolError},
		{"unassigned code", closing(2999, ""), 1002, ProtocolError},
		{"code of one byte", masked(ws.OpClose, true, "\x03"), 1002, ProtocolError},
		{"unmasked", string(ws.MustCompileFrame(ws.NewTextFrame([]byte("hello")))), 1002, ProtocolError},
		{"unmasked, with much behind it", "\x81\x05hello" + strings.Repeat("more", 50_000), 1002, ProtocolError},
		{"reserved opcode", masked(0x3, true, ""), 1002, ProtocolError},
		{"reserved control opcode", masked(0xb, true, ""), 1002, ProtocolError},
		{"reserved bit", "\xc1\x80\x00\x00\x00\x00", 1002, ProtocolError},
		{"fragmented ping", masked(ws.OpPing, false, ""), 1002, ProtocolError},
		{"long ping", masked(ws.OpPing, true, text(126)), 1002, ProtocolError},
		{"continuation of nothing", masked(ws.OpContinuation, true, "x"), 1002, ProtocolError},
		{"message inside a message", masked(ws.OpText, false, "x") + masked(ws.OpText, true, "y"), 1002, ProtocolError},
		{"length not in its shortest form", "\x81\xfe\x00\x01\x00\x00\x00\x00x", 1002, ProtocolError},
		{"length with the top bit", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 1002, ProtocolError},
		{"invalid UTF-8", masked(ws.OpText, true, "\xff\xfe"), 1007, InvalidData},
		{"UTF-8 cut off at the end", masked(ws.OpText, false, "ok\xe2") + masked(ws.OpContinuation, true, "\x82"), 1007, InvalidData},
		{"reason that is not UTF-8", closing(1000, "\xff"), 1007, InvalidData},
		{"too big", masked(ws.OpBinary, true, text(defaultMaxInbound+1)), 1009, TooBig},
		{"too big, announced only", "\x82\xff\x00\x00\x7f\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009, TooBig},
		{"too big in fragments", masked(ws.OpText, false, text(defaultMaxInbound)) + masked(ws.OpContinuation, true, "x"), 1009, TooBig},
	}
	for _, path := range []string{"/ws", "/echo"} {
		for _, tt := range tests {
			t.Run(path[1:]+"/"+tt.name, func(t *testing.T) {
				ended := g.snapshot().Closed[ReasonName(tt.reason)]
				c := g.ws(path)
				c.t = t
				g.publish("traffic in the other direction")
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					_, _ = io.WriteString(c, tt.send)
				}()
				code, _ := c.closeFrame()
				if code != tt.code {
					t.Errorf("got close code %d, want %d", code, tt.code)
				}
				await(t, sent, "the end of the client's frames")
				c.intact()
				c.write(closing(1000, "")) // some clients answer an answer
				c.intact()
				_ = c.Close()
				g.closed(tt.reason, ended+1)
			})
		}
	}
}

// The close frame goes out behind the message that is on its way, however slow the client is.
func TestCloseBehindAnUnsentMessage(t *testing.T) {
	g := serve(t, Config{Sockets: tight}, hub.TopicConfig{})
	c := g.sleeper().open(request("/ws", upgrade...), 101)
	g.subscribed(1)
	g.publish(text(1 << 20))
	g.blocked(1)
	c.write(closing(1000, ""))
	g.eventually("closing", func(s *Snapshot) bool { return s.Sessions[WebSocket][Closing] == 1 })
	g.subscribed(0) // what is published from now on is none of its business
	g.publish("too late")
	c.expect(ws.OpText, text(1<<20))
	if code, _ := c.closeFrame(); code != 1000 {
		t.Errorf("got close code %d, want 1000", code)
	}
	c.intact()
}

// A peer that never ends its side of the connection is let go after the linger time.
func TestLinger(t *testing.T) {
	g := serve(t, Config{Sockets: epoll.Config{Linger: 200 * time.Millisecond}}, hub.TopicConfig{})
	c := g.ws("/ws")
	c.write(closing(1000, ""))
	c.closeFrame()
	refused := g.dial()
	refused.write("nonsense\r\n\r\n")
	refused.rest()
	g.closed(ClientClosed, 1)
	g.closed(Refused, 1)
	if got := g.snapshot().Loop.Conns; got != 0 {
		t.Errorf("got %d connections, want none", got)
	}
}

// TestVanishedClients: those that leave without a word are counted by how they left.
func TestVanishedClients(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	clients := []*client{g.dial(), g.dial(), g.ws("/ws"), g.ws("/ws"), g.sse("/sse"), g.sse("/sse")}
	clients[0].write("GET /sse HT")
	g.subscribed(4)
	for i, c := range clients {
		if i%2 == 0 {
			if err := c.SetLinger(0); err != nil { // reset
				t.Fatal(err)
			}
		}
		_ = c.Close()
	}
	g.closed(epoll.PeerReset, 3)
	g.closed(epoll.PeerClosed, 3)
	g.subscribed(0)
}
