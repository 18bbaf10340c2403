package session

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

// FuzzSession sends any bytes at all, in one piece and cut at any places, over a real connection. Both must come to the
// same end, without a panic, a reset or anything left behind.
func FuzzSession(f *testing.F) {
	seeds := []string{
		request("/ws", upgrade...) + masked(ws.OpPing, true, "p") + masked(ws.OpText, true, "x") + closing(1000, "bye"),
		request("/ws?topic=ticks&last=2", upgrade...) + masked(ws.OpText, true, "\xff"),
		request("/ws?since=e-1", upgrade...) + masked(ws.OpBinary, false, text(300)) + masked(ws.OpContinuation, true, text(70_000)),
		request("/echo", upgrade...) + masked(ws.OpText, false, "\xe2") + masked(ws.OpPing, true, "") + masked(ws.OpContinuation, true, "\x82\xac"),
		request("/echo", upgrade...) + strings.Repeat(masked(ws.OpPing, true, text(125)), 100),
		request("/sse", "Last-Event-ID: other-1") + "garbage",
		request("/sse?topic=none"), request("/nope"), "HEAD /sse HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /sse HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET /" + text(9000), "\r\n\r\n", "",
	}
	for i, s := range seeds {
		f.Add([]byte(s), []byte{byte(i), 1, 100, 2})
	}
	g := serve(f, Config{Echo: true, MaxInbound: 1 << 10}, hub.TopicConfig{})
	g.publish("one")
	g.publish("two")
	f.Cleanup(func() { g.t = f })
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		if len(stream) > 32<<10 || len(cuts) > 8 {
			t.Skip("more than the sockets hold, or longer than it is worth")
		}
		g.t = t
		whole := outcome(g.exchange(string(stream)))
		if got := outcome(g.exchange(cut(string(stream), cuts)...)); got != whole {
			t.Errorf("%q cut at %v: got %s, want %s", stream, cuts, got, whole)
		}
		g.checkBooks()
		g.do(func() {
			if cap(g.out) > 256<<10 {
				t.Errorf("scratch buffer: got %d bytes, want what a read can call for", cap(g.out))
			}
		})
	})
}

// cut divides s into pieces whose lengths the bytes of cuts say.
func cut(s string, cuts []byte) (pieces []string) {
	for _, c := range cuts {
		n := min(1+int(c), len(s))
		pieces, s = append(pieces, s[:n]), s[n:]
	}
	return append(pieces, s)
}

// outcome describes what came back, without what depends on chance or on how the bytes arrived: the status, and the code
// of the close frame if there is one.
func outcome(got string) string {
	status, _, _ := strings.Cut(got, "\r\n")
	_, frames, _ := strings.Cut(got, "\r\n\r\n")
	if !strings.Contains(status, " 101 ") {
		return status
	}
	for r := strings.NewReader(frames); r.Len() > 0; {
		h, err := ws.ReadHeader(r)
		if err != nil || h.Length > int64(r.Len()) {
			return fmt.Sprintf("%s and a broken frame: %v, %d of %d bytes", status, err, r.Len(), h.Length)
		}
		payload := make([]byte, h.Length)
		_, _ = r.Read(payload)
		if h.OpCode == ws.OpClose {
			code, _ := ws.ParseCloseFrameData(payload)
			return fmt.Sprintf("%s, close %d, %d bytes behind it", status, code, r.Len())
		}
	}
	return status
}

// FuzzCommands sends any texts at all as commands. Each is answered with one JSON text, and nothing is left behind.
func FuzzCommands(f *testing.F) {
	for _, s := range []string{
		`{"t":"sub","ref":1,"topics":["ticks"]}` + "\n" + `{"t":"unsub","ref":2,"topics":["ticks"]}`,
		`{"t":"sub","ref":1,"topics":["chat.*",">","a"],"since":"e-1","last":5}` + "\n" + `{"t":"sub","ref":1,"topics":["a","b"]}`,
		`{"t":"pub","ref":3,"topic":"chat.1","data":"x","msgid":"m"}` + "\n" + `{"t":"pub","ref":3,"topic":"chat.broken","data":{}}`,
		`{"t":"auth","ref":4,"token":"x"}` + "\n[]\n\n{}",
	} {
		f.Add([]byte(s), byte(9))
	}
	pub, stream := publishing(f, nil)
	g := serve(f, Config{Publishing: pub, MaxInbound: 4 << 10, MaxTopics: 8}, hub.TopicConfig{})
	g.publish("1")
	stream.attach(g)
	f.Cleanup(func() { g.t = f })
	f.Fuzz(func(t *testing.T, text []byte, at byte) {
		lines := strings.Split(string(text), "\n")
		if len(lines) > 50 || len(text) > 4<<10 || !utf8.Valid(text) {
			t.Skip("other frames than commands, or more of them than it is worth")
		}
		g.t = t
		c := g.envelope("/ws")
		for _, line := range lines {
			cut := min(int(at), len(line))
			for cut < len(line) && !utf8.RuneStart(line[cut]) {
				cut++
			}
			c.write(masked(ws.OpText, false, line[:cut]) + masked(ws.OpContinuation, true, line[cut:]))
		}
		for answered := 0; answered < len(lines); {
			if r := c.reply(); r.T == "ok" || r.T == "error" {
				answered++
			}
		}
		c.write(closing(1000, ""))
		_, _ = c.closeFrame()
		_ = c.Close()
		g.checkBooks()
	})
}
