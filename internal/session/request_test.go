package session

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

// TestRequests sends heads that open no session. An EventSource gives up for good on any status but 200, and on 200 with
// another type (WHATWG HTML §9.2.2), so it matters which request gets which.
func TestRequests(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	long := strings.Repeat("x", defaultHeaderBytes)
	wsWith := func(old, replacement string) string {
		return strings.Replace(request("/ws", upgrade...), old, replacement, 1)
	}
	tests := []struct {
		name    string
		request string
		status  int
		code    string // in the body, and the label of the refusal; empty for an answer
		header  string // a field line
	}{
		{"unknown path", request("/nope"), 404, "not_found", ""},
		{"root", request("/"), 404, "not_found", ""},
		{"path below", request("/sse/"), 404, "not_found", ""},
		{"path in another case", request("/SSE"), 404, "not_found", ""},
		{"escaped path", request("/%73se"), 404, "not_found", ""},
		{"echo that is off", request("/echo", upgrade...), 404, "not_found", ""},
		{"not a topic", request("/sse?topic=price..NOPE"), 400, "bad_topic", ""},
		{"not a pattern beside a topic", request("/ws?topic=ticks&topic=price.>.NOPE", upgrade...), 400, "bad_topic", ""},
		{"as many topics as a connection may have, one malformed", request("/sse?topic=no*" + strings.Repeat("&topic=ticks", 63)), 400, "bad_topic", ""},
		{"too many topics", request("/sse?topic=ticks" + strings.Repeat("&topic=ticks", 64)), 400, "too_many_topics", ""},
		{"too many topics of a WebSocket", request("/ws?topic=ticks"+strings.Repeat("&topic=ticks", 64), upgrade...), 400, "too_many_topics", ""},
		{"unknown path with POST", "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404, "not_found", ""},

		{"POST", "POST /sse HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 405, "method_not_allowed", "Allow: GET, HEAD, OPTIONS"},
		{"DELETE", "DELETE /ws HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed", "Allow: GET, HEAD, OPTIONS"},
		{"CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed", "Allow: GET, HEAD, OPTIONS"},
		{"get in lower case", "get /sse HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed", "Allow: GET, HEAD, OPTIONS"},

		{"unknown parameter", request("/sse?nonsense=1"), 400, "bad_parameter", ""},
		{"unknown parameter of an unknown topic", request("/sse?topic=NOPE&nonsense=1"), 400, "bad_parameter", ""},
		{"unknown parameter of a WebSocket", request("/ws?nonsense=1", upgrade...), 400, "bad_parameter", ""},
		{"empty topic", request("/sse?topic="), 400, "bad_parameter", ""},
		{"broken escape", request("/sse?topic=%zz"), 400, "bad_parameter", ""},
		{"last is no number", request("/sse?last=-1"), 400, "bad_parameter", ""},
		{"no Host", "GET /sse HTTP/1.1\r\n\r\n", 400, "bad_request", ""},
		{"bare LF", "GET /sse HTTP/1.1\nHost: x\n\n", 400, "bad_request", ""},
		{"body of a GET", "GET /sse HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", 400, "bad_request", ""},
		{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request", ""},
		{"zeros", strings.Repeat("\x00", 100_000), 400, "bad_request", ""},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_not_supported", ""},
		{"HTTP/2 request", "GET /sse HTTP/2.0\r\nHost: x\r\n\r\n", 505, "version_not_supported", ""},
		{"unknown coding", "POST /sse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: br\r\n\r\n", 501, "not_implemented", ""},
		{"long target", request("/sse?topic=" + long), 414, "uri_too_long", ""},
		{"endless target", "GET /" + long, 414, "uri_too_long", ""},
		{"long field", request("/sse", "X-Long: "+long), 431, "header_too_large", ""},
		{"much behind a bad head", "GET /sse HTTP/1.1\r\n\r\n" + strings.Repeat(long, 30), 400, "bad_request", ""},

		{"plain GET of a WebSocket", request("/ws"), 426, "upgrade_required", "Sec-WebSocket-Version: 13"},
		{"upgrade to something else", wsWith("websocket", "h2c"), 426, "upgrade_required", "Upgrade: websocket"},
		{"version 12", wsWith("Version: 13", "Version: 12"), 426, "websocket_version", "Sec-WebSocket-Version: 13"},
		{"WebSocket over HTTP/1.0", wsWith("HTTP/1.1", "HTTP/1.0"), 426, "upgrade_required", ""},
		{"no key", wsWith("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400, "bad_handshake", ""},
		{"short key", wsWith("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400, "bad_handshake", ""},
		{"no Connection", wsWith("Connection: Upgrade\r\n", ""), 400, "bad_handshake", ""},

		{"HEAD", "HEAD /sse HTTP/1.1\r\nHost: x\r\n\r\n", 200, "", "Content-Type: text/event-stream; charset=utf-8"},
		{"HEAD of a WebSocket", strings.Replace(request("/ws", upgrade...), "GET", "HEAD", 1), 426, "upgrade_required", "Sec-WebSocket-Version: 13"},
		{"HEAD of an unknown path", "HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found", ""},
		{"HEAD of no topic", "HEAD /sse?topic=NOPE. HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_topic", ""},
		{"HEAD with an unknown parameter", "HEAD /sse?nonsense=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_parameter", ""},
		{"HEAD with a bad head", "HEAD /sse HTTP/1.1\r\n\r\n", 400, "bad_request", ""},
		{"preflight", "OPTIONS /sse?topic=any HTTP/1.1\r\nHost: x\r\nOrigin: http://shop.example\r\nAccess-Control-Request-Method: GET\r\n" +
			"Access-Control-Request-Headers: last-event-id\r\n\r\n", 204, "", "Access-Control-Allow-Origin: *"},
		{"OPTIONS of everything", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204, "", "Allow: GET, HEAD, OPTIONS"},
		{"OPTIONS of nothing", "OPTIONS /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found", ""},
		{"OPTIONS of a WebSocket", "OPTIONS /ws HTTP/1.1\r\nHost: x\r\n\r\n", 204, "", "Allow: GET, HEAD, OPTIONS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := g.snapshot()
			c := g.dial()
			c.t = t
			// What lies behind a head that is refused may find the connection shut.
			_, _ = io.WriteString(c, tt.request)
			got := c.rest()
			c.intact()
			_ = c.Close()
			method, _, _ := strings.Cut(tt.request, " ")
			checkResponse(t, got, method, tt.status, tt.code)
			if !strings.Contains(got, "\r\n"+tt.header) {
				t.Errorf("got %q, want a field %q", got, tt.header)
			}
			reason := Answered
			if tt.code != "" {
				reason = Refused
			}
			g.closed(reason, before.Closed[ReasonName(reason)]+1)
			after := g.snapshot()
			if got, want := after.Refused[tt.code], before.Refused[tt.code]+1; tt.code != "" && got != want {
				t.Errorf("refused with %s: got %d, want %d", tt.code, got, want)
			}
			if got := after.Handshakes; got != [transports]uint64{} {
				t.Errorf("sessions opened: got %v, want none", got)
			}
		})
	}
}

// checkResponse checks that what came on a connection is exactly one response with this status, with our error code in
// its body if there is one.
func checkResponse(t testing.TB, got, method string, status int, code string) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(got))
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("got %q: %v", got, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || r.Buffered() != 0 {
		t.Errorf("body: got %q, %v, and %d bytes behind it, want a whole one", body, err, r.Buffered())
	}
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got header %v, want any page to be allowed to read the answer", resp.Header)
	}
	if resp.StatusCode != status || !resp.Close {
		t.Errorf("got status %d, close %t, want %d and the end of the connection (%s)", resp.StatusCode, resp.Close, status, body)
	}
	if code == "" || method == http.MethodHead {
		if len(body) != 0 {
			t.Errorf("got body %q, want none", body)
		}
		return
	}
	var problem struct{ Error, Message string }
	if err := json.Unmarshal(body, &problem); err != nil || problem.Error != code || problem.Message == "" {
		t.Errorf("got body %q (%v), want error %q and a message", body, err, code)
	}
}

// TestHeadsThatOpenASession are those that a strict parser could well trip over.
func TestHeadsThatOpenASession(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	for name, head := range map[string]string{
		"HTTP/1.0 without Host": "GET /sse HTTP/1.0\r\n\r\n",
		"absolute form":         "GET http://gateway.example/sse HTTP/1.1\r\nHost: other.example\r\n\r\n",
		"absolute form, https":  "GET HTTPS://gateway.example:443/sse?last=0 HTTP/1.1\r\nHost: x\r\n\r\n",
		"empty line in front":   "\r\n" + request("/sse"),
		"empty query":           request("/sse?"),
		"names in any case":     "GET /sse HTTP/1.1\r\nhOST: x\r\nACCEPT: text/event-stream\r\n\r\n",
		"default topic by name": request("/sse?topic=ticks"),
		"one topic twice":       request("/sse?topic=ticks&topic=%74icks"),
		"HTTP/1.0 keep-alive":   "GET /sse HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := g.dial()
			c.t = t
			c.open(head, http.StatusOK)
			c.retry()
			g.subscribed(1)
			_ = c.Close()
			g.subscribed(0)
		})
	}
	for name, fields := range map[string][]string{
		"several connection options": append([]string{"Connection: keep-alive, Upgrade"}, upgrade[1:]...),
		"several upgrades":           append([]string{"Connection: upgrade", "Upgrade: WebSocket"}, upgrade[2:]...),
		"extensions and protocols":   append([]string{"Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: chat"}, upgrade...),
	} {
		t.Run(name, func(t *testing.T) {
			c := g.dial()
			c.t = t
			c.write(request("/ws", fields...) + masked(ws.OpPing, true, "up"))
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("got %+v, %v, want 101", resp, err)
			}
			for _, field := range []string{"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"} {
				if got := resp.Header.Get(field); got != "" {
					t.Errorf("%s: got %q, want none negotiated", field, got)
				}
			}
			if got, want := resp.Header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
				t.Errorf("accept: got %q, want %q", got, want)
			}
			c.expect(ws.OpPong, "up")
		})
	}
}

// TestSplits sends a handshake with frames right behind it, cut in two at every byte: where segments end must not
// matter, nor must anything be lost at the border between the two protocols.
func TestSplits(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	stream := request("/ws", upgrade...) + masked(ws.OpPing, true, "early") + masked(ws.OpText, false, "frag") +
		masked(ws.OpPing, true, "") + masked(ws.OpContinuation, true, "ment") + closing(1000, "bye")
	want := g.exchange(stream)
	if !strings.HasSuffix(want, "\r\n\r\n\x8a\x05early\x8a\x00\x88\x02\x03\xe8") {
		t.Fatalf("in one piece: got %q, want two pongs and a close frame behind the head", want)
	}
	for i := 1; i < len(stream); i++ {
		if got := g.exchange(stream[:i], stream[i:]); got != want {
			t.Fatalf("cut at %d: got %q, want %q", i, got, want)
		}
	}
	if got := g.exchange(strings.Split(stream, "")...); got != want {
		t.Errorf("byte by byte: got %q, want %q", got, want)
	}
	bad := request("/sse", "Bad Name: x")
	want = g.exchange(bad)
	for i := 1; i < len(bad); i++ {
		if got := g.exchange(bad[:i], bad[i:]); got != want {
			t.Fatalf("bad head cut at %d: got %q, want %q", i, got, want)
		}
	}
}

// exchange sends pieces, each after the loop has read the one before, then FIN, and returns all that comes back.
func (g *gateway) exchange(pieces ...string) string {
	g.t.Helper()
	c := g.dial()
	defer c.Close() //nolint:errcheck // all has been read
	for _, p := range pieces {
		read := g.snapshot().Loop.BytesIn + uint64(len(p))
		c.write(p)
		g.eventually("the piece is read", func(s *Snapshot) bool { return s.Loop.BytesIn >= read })
	}
	if err := c.CloseWrite(); err != nil {
		g.t.Fatal(err)
	}
	return c.rest()
}

// Requests behind the first one are never answered: there is one request to a connection.
func TestPipelinedRequests(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.dial()
	c.write(request("/nope") + request("/sse") + request("/ws", upgrade...))
	checkResponse(t, c.rest(), http.MethodGet, http.StatusNotFound, "not_found")
	c = g.dial().open(request("/sse")+request("/nope"), http.StatusOK)
	c.retry()
	g.subscribed(1)
	g.publish("first")
	c.event("id: e-1\ndata: first\n")
}

// TestGarbage feeds a session of each kind with bytes that mean nothing.
func TestGarbage(t *testing.T) {
	g := serve(t, Config{Echo: true}, hub.TopicConfig{})
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i)
	}
	for _, head := range []string{"", request("/ws", upgrade...), request("/echo", upgrade...)} {
		c := g.dial()
		_, _ = io.WriteString(c, head+string(noise))
		if got := c.rest(); head == "" && !strings.HasPrefix(got, "HTTP/1.1 400 ") || head != "" && !strings.Contains(got, "\x03\xea") {
			t.Errorf("behind %.20q: got %.200q, want 400 or close code 1002", head, got)
		}
		c.intact()
		_ = c.Close()
	}
	// An event stream has no way up: whatever comes is thrown away.
	c := g.sse("/sse")
	g.subscribed(1)
	for range 20 {
		c.write(string(noise))
	}
	g.publish("still there")
	c.event("id: e-1\ndata: still there\n")
	if got := fmt.Sprint(g.snapshot().Sessions[SSE]); got != "[0 1 0]" {
		t.Errorf("event streams: got %s, want one open", got)
	}
}
