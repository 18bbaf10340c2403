package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// responseOutcome parses a response head that arrives in pieces and describes the result.
func responseOutcome(pieces ...[]byte) string {
	out := "incomplete"
	arrivals(pieces, func(b []byte) (int, bool) {
		var r Response
		n, err := ParseResponse(b, 512, &r)
		switch {
		case err != nil:
			out = err.Error()
		case n > 0:
			out = fmt.Sprintf("%d: %d %q minor=%d length=%d chunked=%v", n, r.Status, r.Reason, r.Minor, r.ContentLength, r.Chunked)
		}
		return 0, n > 0 || err != nil
	})
	return out
}

func TestParseResponse(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"switching", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00", `56: 101 "Switching Protocols" minor=1 length=-1 chunked=false`},
		{"stream", string(AppendSSEHead(nil, CORS{})), `134: 200 "OK" minor=1 length=-1 chunked=false`},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", `47: 200 "OK" minor=1 length=-1 chunked=true`},
		{"length", "HTTP/1.0 404 Not Found\r\nContent-Length: 12\r\n\r\n", `46: 404 "Not Found" minor=0 length=12 chunked=false`},
		{"no reason", "HTTP/1.1 200 \r\n\r\n", `17: 200 "" minor=1 length=-1 chunked=false`},
		{"no space either", "HTTP/1.1 200\r\n\r\n", `16: 200 "" minor=1 length=-1 chunked=false`},
		{"a web page", "<html>", "not an HTTP/1 response"},
		{"an SSH server", "SSH-2.0-OpenSSH_9.9\r\n", "not an HTTP/1 response"},
		{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", "not an HTTP/1 response"},
		{"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "not an HTTP/1 response"},
		{"status 600", "HTTP/1.1 600 OK\r\n\r\n", "not an HTTP/1 response"},
		{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP/1 response"},
		{"bare LF", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "a line of the head ends in LF without CR"},
		{"fold", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "a line of the head starts with whitespace"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", errResponseFraming.Error()},
		{"length and coding", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", errResponseFraming.Error()},
		{"other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", errResponseFraming.Error()},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", errResponseFraming.Error()},
		{"too long", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 512), "response head is too long"},
		{"cut off", "HTTP/1.1 200 OK\r\nA: b\r\n", "incomplete"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := everySplit(t, []byte(tc.in), responseOutcome); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// FuzzParseResponse: however a head is cut, the outcome is the same; what we accept, net/http reads alike.
func FuzzParseResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 200\r\nContent-Length: 12\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		everySplit(t, in, responseOutcome)
		var r Response
		n, err := ParseResponse(in, testLimit, &r)
		if err != nil || n == 0 || r.Minor > 1 {
			return
		}
		std, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(r.Raw)), nil)
		if err != nil {
			t.Fatalf("accepted %q, which net/http refuses: %v", r.Raw, err)
		}
		_ = std.Body.Close()
		if r.Status != std.StatusCode {
			t.Fatalf("%q: got status %d, want %d as net/http", r.Raw, r.Status, std.StatusCode)
		}
	})
}

func TestParseResponseAllocs(t *testing.T) {
	in, r := AppendSSEHead(nil, CORS{Origin: "*"}), Response{}
	zeroAllocs(t, "a head", func() { _, _ = ParseResponse(in, testLimit, &r) })
	zeroAllocs(t, "an incomplete head", func() { _, _ = ParseResponse(in[:30], testLimit, &r) })
}

func TestCheckAccept(t *testing.T) {
	nonce := [16]byte([]byte("the sample nonce")) // RFC 6455 §1.3
	const good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	with := func(line, by string) string { return strings.Replace(good, line+"\r\n", by, 1) }
	const accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	for _, tc := range []struct{ name, in, want string }{
		{"RFC 6455", good, "<nil>"},
		{"protocol asked for", with(accept, accept+"\r\nSec-WebSocket-Protocol: tickgate.v1\r\n"), "<nil>"},
		{"protocol not asked for", with(accept, accept+"\r\nSec-WebSocket-Protocol: chat\r\n"), errAcceptProtocol.Error()},
		{"extension", with(accept, accept+"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"), errAcceptExtensions.Error()},
		{"no upgrade", with("Upgrade: WebSocket", ""), errAcceptUpgrade.Error()},
		{"no connection", with("Connection: upgrade", ""), errAcceptUpgrade.Error()},
		{"no key", with(accept, ""), errAcceptKey.Error()},
		{"two keys", with(accept, accept+"\r\n"+accept+"\r\n"), errAcceptKey.Error()},
		{"wrong key", strings.Replace(good, "s3pP", "S3pP", 1), errAcceptKey.Error()},
		{"not switched", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "handshake answered with status 503"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Response
			if n, err := ParseResponse([]byte(tc.in), testLimit, &r); n == 0 || err != nil {
				t.Fatalf("got %d, %v, want a complete head", n, err)
			}
			q := ClientRequest{Protocol: "other, tickgate.v1"}
			if got := fmt.Sprint(CheckAccept(&r, &q, nonce)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestClientRequests: our own server's side takes what our client's side asks for.
func TestClientRequests(t *testing.T) {
	q := ClientRequest{Host: "127.0.0.2:8080", Target: "/ws?topic=a", Protocol: Subprotocol, LastEventID: "e-1", Fields: "Authorization: Bearer x\r\n"}
	nonce := [16]byte{1, 2, 3}
	var r Request
	in := AppendHandshake(nil, &q, nonce)
	if n, err := ParseRequest(in, testLimit, &r); n != len(in) || err != nil || !r.Upgrade || string(r.Header("authorization")) != "Bearer x" {
		t.Fatalf("%q: got %d, %v, %+v", in, n, err, r)
	}
	out, terms, err := AppendUpgrade(nil, &r, []string{Subprotocol}, false)
	if err != nil || terms != (Terms{Protocol: Subprotocol}) {
		t.Fatalf("got %+v, %v", terms, err)
	}
	var resp Response
	if n, err := ParseResponse(out, testLimit, &resp); n != len(out) || err != nil {
		t.Fatalf("%q: got %d, %v", out, n, err)
	}
	if err := CheckAccept(&resp, &q, nonce); err != nil {
		t.Error(err)
	}
	in = AppendClientRequest(nil, &q)
	if n, err := ParseRequest(in, testLimit, &r); n != len(in) || err != nil || r.Upgrade {
		t.Fatalf("%q: got %d, %v, %+v", in, n, err, r)
	}
	for name, want := range map[string]string{"host": q.Host, "accept": "text/event-stream", "last-event-id": "e-1", "authorization": "Bearer x"} {
		if got := string(r.Header(name)); got != want {
			t.Errorf("field %s: got %q, want %q", name, got, want)
		}
	}
}
