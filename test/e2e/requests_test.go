package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// upgrade is a whole WebSocket handshake of version 13 but for the request line and Host.
const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// TestRefusals sends requests that must not be served and checks status, headers, body and the end of the connection. The parser has a larger
// table of its own; this one shows that its answers arrive.
func TestRefusals(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	host := "Host: " + g.Addr + "\r\n"
	long := strings.Repeat("x", 10<<10)
	tests := []struct {
		name    string
		request string
		status  []int
		header  map[string]string // name to a text that the value must hold
	}{
		{"unknown path", "GET /nope HTTP/1.1\r\n" + host + "\r\n", []int{404}, nil},
		{"root", "GET / HTTP/1.1\r\n" + host + "\r\n", []int{404}, nil},
		{"admin path on the public port", "GET /metrics HTTP/1.1\r\n" + host + "\r\n", []int{404}, nil},
		{"POST to /sse", "POST /sse HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello", []int{405}, map[string]string{"Allow": "GET"}},
		{"DELETE to /ws", "DELETE /ws HTTP/1.1\r\n" + host + "\r\n", []int{405}, map[string]string{"Allow": "GET"}},
		{"unknown parameter", "GET /sse?nonsense=1 HTTP/1.1\r\n" + host + "\r\n", []int{400}, nil},
		{"broken percent-encoding", "GET /sse?topic=%zz HTTP/1.1\r\n" + host + "\r\n", []int{400}, nil},
		{"last is no number", "GET /sse?last=many HTTP/1.1\r\n" + host + "\r\n", []int{400}, nil},
		{"long target", "GET /sse?topic=" + long + " HTTP/1.1\r\n" + host + "\r\n", []int{414}, nil},
		{"long header", "GET /sse HTTP/1.1\r\n" + host + "X-Long: " + long + "\r\n\r\n", []int{431}, nil},
		{"endless header", "GET /sse HTTP/1.1\r\n" + host + "X-Long: " + long, []int{431}, nil},
		{"no Host", "GET /sse HTTP/1.1\r\n\r\n", []int{400}, nil},
		{"two Hosts", "GET /sse HTTP/1.1\r\n" + host + host + "\r\n", []int{400}, nil},
		{"bare LF", "GET /sse HTTP/1.1\n" + host + "\r\n", []int{400}, nil},
		{"folded header", "GET /sse HTTP/1.1\r\n" + host + "X-A: b\r\n c\r\n\r\n", []int{400}, nil},
		{"space before the colon", "GET /sse HTTP/1.1\r\n" + host + "X-A : b\r\n\r\n", []int{400}, nil},
		{"NUL in a value", "GET /sse HTTP/1.1\r\n" + host + "X-A: \x00\r\n\r\n", []int{400}, nil},
		{"two lengths", "POST /sse HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", []int{400}, nil},
		{"length and chunks", "GET /sse HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", []int{400}, nil},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 505}, nil},
		{"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + long[:40] + "\r\n\r\n", []int{400}, nil},
		{"plain GET of /ws", "GET /ws HTTP/1.1\r\n" + host + "\r\n", []int{400, 426}, nil},
		{"WebSocket version 12", "GET /ws HTTP/1.1\r\n" + host + strings.Replace(upgrade, "13", "12", 1) + "\r\n", []int{426}, map[string]string{"Sec-WebSocket-Version": "13"}},
		{"WebSocket without a key", "GET /ws HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", []int{400}, nil},
		{"WebSocket with a short key", "GET /ws HTTP/1.1\r\n" + host + strings.Replace(upgrade, "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 1) + "\r\n", []int{400}, nil},
		{"WebSocket over HTTP/1.0", "GET /ws HTTP/1.0\r\n" + host + upgrade + "\r\n", []int{400, 426, 505}, nil},
		{"echo that is off", "GET /echo HTTP/1.1\r\n" + host + upgrade + "\r\n", []int{404}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := exchange(t, g.Addr, tt.request)
			if !slices.Contains(tt.status, got.status) {
				t.Errorf("got status %d, want one of %v; body %q", got.status, tt.status, got.body)
			}
			for name, part := range tt.header {
				if !strings.Contains(got.header.Get(name), part) {
					t.Errorf("%s: got %q, want %q in it", name, got.header.Get(name), part)
				}
			}
			checkError(t, got)
		})
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	got := exchange(t, g.Addr, "HEAD /sse HTTP/1.1\r\nHost: "+g.Addr+"\r\n\r\n")
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("got status %d and Content-Type %q, want 200 and text/event-stream", got.status, got.header.Get("Content-Type"))
	}
	if got.body != "" || got.end != nil {
		t.Errorf("got body %q and then %v, want none and the end of the connection", got.body, got.end)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	got := exchange(t, g.Addr, "OPTIONS /sse HTTP/1.1\r\nHost: "+g.Addr+
		"\r\nOrigin: http://shop.example\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: last-event-id\r\n\r\n")
	if got.status != http.StatusOK && got.status != http.StatusNoContent {
		t.Errorf("got status %d, want 200 or 204", got.status)
	}
	for name, want := range map[string][]string{
		"Access-Control-Allow-Origin":  {"*", "http://shop.example"},
		"Access-Control-Allow-Methods": {"GET"},
		"Access-Control-Allow-Headers": {"last-event-id"},
	} {
		value := strings.ToLower(got.header.Get(name))
		if !slices.ContainsFunc(want, func(part string) bool { return strings.Contains(value, strings.ToLower(part)) }) {
			t.Errorf("%s: got %q, want one of %q in it", name, got.header.Get(name), want)
		}
	}
	if got.end != nil {
		t.Errorf("behind the answer: got %v, want the end of the connection", got.end)
	}
}

// TestSplitRequest sends the head one byte at a time: where the segments end must not matter.
func TestSplitRequest(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	conn := dialRaw(t, g.Addr)
	if err := conn.SetNoDelay(true); err != nil {
		t.Fatal(err)
	}
	for _, b := range []byte("GET /ws HTTP/1.1\r\nHost: " + g.Addr + "\r\n" + upgrade + "\r\n") {
		write(t, conn, string(b))
	}
	got := make([]byte, len("HTTP/1.1 101 "))
	if _, err := conn.Read(got); err != nil || string(got) != "HTTP/1.1 101 " {
		t.Errorf("got %q (%v), want HTTP/1.1 101", got, err)
	}
}

// TestSlowloris: a head that does not become whole in time costs the client its connection, however busily it sends.
func TestSlowloris(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"header-timeout": "1s"}})
	for _, name := range []string{"silent", "one byte at a time"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			conn := dialRaw(t, g.Addr)
			write(t, conn, "GET /sse HTTP/1.1\r\nHost: "+g.Addr+"\r\n")
			ended := make(chan error, 1)
			go func() {
				_, err := readAnswer(conn, http.MethodGet)
				ended <- err
			}()
			for {
				select {
				case <-ended: // with 408 or without a word
					if took := time.Since(started); took < 700*time.Millisecond {
						t.Errorf("closed after %v, want about the header timeout of 1s", took)
					}
					return
				case <-time.After(100 * time.Millisecond):
				}
				if time.Since(started) > patience {
					t.Fatalf("still open after %v, want the end after the header timeout of 1s", patience)
				}
				if name != "silent" {
					_, _ = conn.Write([]byte("x")) // fails once the gateway has closed, which the reader reports
				}
			}
		})
	}
}

// TestMaxConns: at capacity the next client is refused with a hint, and served once somebody has left.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"max-conns": "5"}})
	var clients []*sse
	for range 5 {
		clients = append(clients, openSSE(t, "http://"+g.Addr+"/sse", nil))
	}
	got := exchange(t, g.Addr, "GET /sse HTTP/1.1\r\nHost: "+g.Addr+"\r\n\r\n")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("got status %d and Retry-After %q, want 503 and seconds", got.status, got.header.Get("Retry-After"))
	}
	checkError(t, got)
	clients[0].close()
	eventually(t, patience, "service after a client has left", func() bool {
		s, err := trySSE("http://"+g.Addr+"/sse", nil)
		if err != nil {
			return false
		}
		defer s.close()
		return s.resp.StatusCode == http.StatusOK
	})
}
