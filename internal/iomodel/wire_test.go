package iomodel

import (
	"strings"
	"testing"
	"time"

	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// messages are one of each kind of frame and event.
var messages = []struct{ name, payload, event string }{
	{"empty", "", ""},
	{"json", `{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`, ""},
	{"typed event", "up", "tick"},
	{"several lines", "one\ntwo\r\nthree\r", ""},
	{"not UTF-8", "\xff\xfe\x00", ""},
	{"16-bit length", strings.Repeat("x", 126), ""},
	{"64-bit length", strings.Repeat("y", 70_000), ""},
}

// TestSameBytes runs one script against each model and against internal/session: what a client sees of messages,
// control frames and refusals is the same, byte for byte.
func TestSameBytes(t *testing.T) {
	fronts := []struct {
		name  string
		start func(t testing.TB) *gateway
	}{
		{"session", startSession},
		{Gnet, func(t testing.TB) *gateway { return start(t, Gnet, nil) }},
		{Goroutine, func(t testing.TB) *gateway { return start(t, Goroutine, nil) }},
	}
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			g := f.start(t)
			t.Run("messages", func(t *testing.T) { scriptMessages(t, g) })
			t.Run("control frames", func(t *testing.T) { scriptControl(t, g) })
			t.Run("refusals", func(t *testing.T) { scriptRefusals(t, g) })
			t.Run("drain", func(t *testing.T) { scriptDrain(t, g) })
		})
	}
}

func scriptMessages(t *testing.T, g *gateway) {
	first := g.publish("what a new client sees")
	stream, socket := g.sse(t), g.ws(t)
	stream.expect("first event", first.Frame(hub.SSE))
	socket.expect("first message", first.Frame(hub.RawWS))
	for _, m := range messages {
		msg := g.publishEvent(m.payload, m.event)
		stream.expect(m.name, wire.AppendSSEEvent(nil, msg.ID(), m.event, []byte(m.payload)))
		socket.expect(m.name, wire.AppendMessage(nil, []byte(m.payload)))
	}
}

// scriptControl sends what a WebSocket client may, and may not, and expects the answer and the end of the connection.
func scriptControl(t *testing.T, g *gateway) {
	last := g.publish("last").Frame(hub.RawWS)
	masked := func(op wire.Opcode, payload string) string {
		return string(wire.AppendMaskedFrame(nil, op, []byte(payload), [4]byte{9, 8, 7, 6}))
	}
	closed := func(code uint16, reason string) string { return string(wire.AppendCloseFrame(nil, code, reason)) }
	tests := []struct{ name, send, want string }{
		{
			"ping, message, close", masked(wire.OpPing, "there?") + masked(wire.OpText, "hello") + masked(wire.OpClose, "\x03\xe8bye"),
			string(wire.AppendPong(nil, []byte("there?"))) + closed(1000, ""),
		},
		{"close without a code", masked(wire.OpClose, ""), closed(wire.CloseNoStatus, "")},
		{"unmasked", "\x81\x01x", closed(1002, "frame of a client is not masked")},
		{"too big", masked(wire.OpBinary, strings.Repeat("z", 64<<10+1))[:10], closed(1009, "message too big")},
		{"not UTF-8", masked(wire.OpText, "\xff"), closed(1007, "text is not UTF-8")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := g.ws(t)
			p.expect("newest message", last)
			for _, b := range []byte(test.send) { // however it is cut into pieces
				if _, err := p.Write([]byte{b}); err != nil {
					t.Fatal(err)
				}
			}
			if got := string(p.rest()); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("right behind the request", func(t *testing.T) {
		p := g.dial(t, 0)
		p.send(upgrade + masked(wire.OpPing, "early"))
		p.switched()
		first, second := p.part(), p.part() // in any order
		if kinds := [2]wire.Kind{min(first.Kind, second.Kind), max(first.Kind, second.Kind)}; kinds != [2]wire.Kind{wire.Data, wire.Pong} {
			t.Errorf("got %+v and %+v, want the newest message and a pong", first, second)
		}
	})
}

func scriptRefusals(t *testing.T, g *gateway) {
	tests := []struct {
		name, request, status, field, body string
	}{
		{
			"unknown path", "GET /nope HTTP/1.1\nHost: x\n\n", "404 Not Found", "Content-Type: application/json",
			`{"error":"not_found","message":"there is /ws and /sse"}`,
		},
		{
			"no upgrade", "GET /ws HTTP/1.1\nHost: x\n\n", "426 Upgrade Required", "Sec-Websocket-Version: 13",
			`{"error":"upgrade_required","message":"this is a WebSocket endpoint"}`,
		},
		{
			"method", "DELETE /sse HTTP/1.1\nHost: x\n\n", "405 Method Not Allowed", "Allow: GET",
			`{"error":"method_not_allowed","message":"use GET"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := g.dial(t, 0)
			p.send(test.request)
			head := p.head()
			if !strings.HasPrefix(head, "HTTP/1.1 "+test.status+"\r\n") {
				t.Errorf("got %q, want status %s", head, test.status)
			}
			if !strings.Contains(strings.ToLower(head), "\r\n"+strings.ToLower(test.field)) {
				t.Errorf("got %q, want %q in it", head, test.field)
			}
			if got := string(p.rest()); got != test.body+"\n" {
				t.Errorf("got body %q, want %q", got, test.body)
			}
		})
	}
}

// scriptDrain comes last.
func scriptDrain(t *testing.T, g *gateway) {
	m := g.publish("before the drain")
	stream, socket := g.sse(t), g.ws(t)
	stream.expect("event", m.Frame(hub.SSE))
	socket.expect("message", m.Frame(hub.RawWS))
	g.Drain(50 * time.Millisecond)
	if ms := stream.retry(); ms < 1000 || ms > 11_000 {
		t.Errorf("retry: got %d ms, want 1 s to 10 s", ms)
	}
	if got := stream.rest(); len(got) > 0 {
		t.Errorf("after the hint: got %q, want the end", got)
	}
	end := socket.part()
	retry, ok := wire.ParseRetry(end.Payload)
	if end.Kind != wire.Close || end.Code != wire.CloseRestart || !ok || retry < time.Second {
		t.Errorf("got %+v, want close 1012 with a retry of a second and more", end)
	}
	socket.frame(wire.OpClose, "\x03\xf4")
	if got := socket.rest(); len(got) > 0 {
		t.Errorf("after the close: got %q, want the end", got)
	}
}
