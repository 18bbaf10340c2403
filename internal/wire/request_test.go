package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// testLimit is small, so that heads beyond it can be cut everywhere in little time.
const testLimit = 1 << 10

const browserHead = "GET /ws?topic=price.ACME&last=1 HTTP/1.1\r\n" +
	"Host: push.example.com:8080\r\n" +
	"Connection: keep-alive, Upgrade\r\n" +
	"Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\n" +
	"Origin: https://example.com\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// requestOutcome parses a head that arrives in pieces and describes the result.
func requestOutcome(limit int) func(pieces ...[]byte) string {
	return func(pieces ...[]byte) string {
		out := "incomplete"
		arrivals(pieces, func(b []byte) (int, bool) {
			var r Request
			n, err := ParseRequest(b, limit, &r)
			switch {
			case err != nil:
				out = err.Error()
			case n > 0:
				out = fmt.Sprintf("%d %q %q %q %q %q minor=%d upgrade=%v %q",
					n, r.Method, r.Target, r.Path, r.RawQuery, r.Host, r.Minor, r.Upgrade, r.Raw)
			}
			return 0, n > 0 || err != nil
		})
		return out
	}
}

func TestParseRequestAccepts(t *testing.T) {
	type want struct {
		method, path, query, host string
		minor                     uint8
		upgrade                   bool
	}
	for _, tc := range []struct {
		name, in string
		want     want
	}{
		{"minimal", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/", "", "a", 1, false}},
		{"browser", browserHead, want{"GET", "/ws", "topic=price.ACME&last=1", "push.example.com:8080", 1, true}},
		{"http 1.0 without host", "GET /sse HTTP/1.0\r\n\r\n", want{"GET", "/sse", "", "", 0, false}},
		{"http 1.0 cannot upgrade", "GET /ws HTTP/1.0\r\nUpgrade: websocket\r\n\r\n", want{"GET", "/ws", "", "", 0, false}},
		{"a later minor version", "GET / HTTP/1.7\r\nHost: a\r\n\r\n", want{"GET", "/", "", "a", 7, false}},
		{"empty line in front", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/", "", "a", 1, false}},
		{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", want{"GET", "/", "", "", 1, false}},
		{"field names in any case", "GET / HTTP/1.1\r\nhOST: a\r\nuPGRADE: WebSocket\r\n\r\n", want{"GET", "/", "", "a", 1, true}},
		{"upgrade in a list", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, websocket\r\n\r\n", want{"GET", "/", "", "a", 1, true}},
		{"another upgrade", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n", want{"GET", "/", "", "a", 1, false}},
		{"ipv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", want{"GET", "/", "", "[::1]:8080", 1, false}},
		{"absolute form", "GET http://b:81/ws?x HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/ws", "x", "b:81", 1, false}},
		{"absolute form without path", "GET HTTP://b?x=/ HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/", "x=/", "b", 1, false}},
		{"absolute form of a name alone", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/", "", "b", 1, false}},
		{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", want{"OPTIONS", "*", "", "a", 1, false}},
		{"query with a question mark", "GET /p?a?b HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/p", "a?b", "a", 1, false}},
		{"what browsers leave unescaped", "GET /p?{|}^`[]\\ HTTP/1.1\r\nHost: a\r\n\r\n", want{"GET", "/p", "{|}^`[]\\", "a", 1, false}},
		{"unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", want{"BREW", "/pot", "", "a", 1, false}},
		{"post with body is the session's to refuse", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", want{"POST", "/", "", "a", 1, false}},
		{"get with an empty body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", want{"GET", "/", "", "a", 1, false}},
		{"empty value, obs-text, tabs", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t\xff\tz \t\r\n\r\n", want{"GET", "/", "", "a", 1, false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Request
			n, err := ParseRequest([]byte(tc.in), testLimit, &r)
			if err != nil || n == 0 {
				t.Fatalf("got %d, %v, want a complete head", n, err)
			}
			got := want{string(r.Method), string(r.Path), string(r.RawQuery), string(r.Host), r.Minor, r.Upgrade}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if !bytes.HasSuffix(r.Raw, []byte("\r\n\r\n")) || !bytes.HasPrefix(r.Raw, r.Method) {
				t.Errorf("got raw head %q, want it from the method to the empty line", r.Raw)
			}
			everySplit(t, []byte(tc.in), requestOutcome(testLimit))
		})
	}
}

func TestParseRequestRefuses(t *testing.T) {
	head := func(fields string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" }
	for _, tc := range []struct {
		name, in string
		status   int
		message  string // part of it
	}{
		{"bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "LF without CR"},
		{"bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "LF without CR"},
		{"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "LF without CR"},
		{"bare LF in the method", "GET\n", 400, "LF without CR"},
		{"bare LF behind a field name", head("X\n"), 400, "LF without CR"},
		{"bare CR in a value", head("X: a\rb\r\n"), 400, "CR in the head"},
		{"bare CR behind the version", "GET / HTTP/1.1\rX", 400, "CR in the head"},
		{"bare CR as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, "CR in the head"},
		{"fold with a space", head("X: a\r\n b\r\n"), 400, "starts with whitespace"},
		{"fold with a tab", head("X: a\r\n\tb\r\n"), 400, "starts with whitespace"},
		{"whitespace before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "starts with whitespace"},
		{"space before the colon", head("X : a\r\n"), 400, "between a field name"},
		{"tab before the colon", head("Content-Length\t: 5\r\n"), 400, "between a field name"},
		{"no colon", head("Xa\r\n"), 400, "field name"},
		{"empty field name", head(": a\r\n"), 400, "field name"},
		{"field name with a slash", head("a/b: c\r\n"), 400, "field name"},
		{"field name beyond ASCII", head("\xc3\xa4: c\r\n"), 400, "field name"},
		{"NUL in a value", head("X: a\x00b\r\n"), 400, "control"},
		{"NUL in a name", head("X\x00: a\r\n"), 400, "control"},
		{"escape in a value", head("X: \x1b[2J\r\n"), 400, "control"},
		{"DEL in a value", head("X: \x7f\r\n"), 400, "control"},
		{"form feed in a value", head("X: \x0c\r\n"), 400, "control"},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\n", 400, "request line"},
		{"beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n", 400, "request line"},
		{"fragment in the target", "GET /a#b HTTP/1.1\r\n", 400, "request line"},
		{"two spaces", "GET  / HTTP/1.1\r\n", 400, "request line"},
		{"space behind the version", "GET / HTTP/1.1 \r\n", 400, "request line"},
		{"tab as separator", "GET\t/ HTTP/1.1\r\n", 400, "request line"},
		{"empty method", " / HTTP/1.1\r\n", 400, "request line"},
		{"method with a colon", "GE:T / HTTP/1.1\r\n", 400, "request line"},
		{"no version", "GET /\r\n\r\n", 400, "request line"},
		{"version in lower case", "GET / http/1.1\r\n", 400, "request line"},
		{"version without minor", "GET / HTTP/1\r\n", 400, "request line"},
		{"version with two minor digits", "GET / HTTP/1.10\r\n", 400, "request line"},
		{"two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\n", 400, "request line"},
		{"TLS client hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "request line"},
		{"relative target", "GET ws HTTP/1.1\r\n", 400, "target"},
		{"asterisk form of GET", "GET * HTTP/1.1\r\n", 400, "target"},
		{"absolute form of another scheme", "GET ftp://a/ HTTP/1.1\r\n", 400, "target"},
		{"absolute form without host", "GET http:///ws HTTP/1.1\r\n", 400, "target"},
		{"absolute form with user", "GET http://u@a/ HTTP/1.1\r\n", 400, "target"},
		{"connect", "CONNECT a:443 HTTP/1.1\r\n", 405, "proxy"},
		{"no host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400, "Host"},
		{"two hosts", head("Host: a\r\n"), 400, "Host"},
		{"two hosts, one empty", "GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n", 400, "Host"},
		{"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "Host"},
		{"host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host"},
		{"host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "Host"},
		{"host with a named port", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400, "Host"},
		{"host with two ports", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400, "Host"},
		{"host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "Host"},
		{"host with empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400, "Host"},
		{"host with brackets around brackets", "GET / HTTP/1.1\r\nHost: [[::1]]\r\n\r\n", 400, "Host"},
		{"get with a body", head("Content-Length: 5\r\n"), 400, "body"},
		{"get with a chunked body", head("Transfer-Encoding: chunked\r\n"), 400, "body"},
		{"head with a body", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400, "body"},
		{"two lengths", head("Content-Length: 0\r\nContent-Length: 0\r\n"), 400, "Content-Length"},
		{"length list", head("Content-Length: 0, 0\r\n"), 400, "Content-Length"},
		{"signed length", head("Content-Length: +0\r\n"), 400, "Content-Length"},
		{"negative length", head("Content-Length: -1\r\n"), 400, "Content-Length"},
		{"hexadecimal length", head("Content-Length: 0x0\r\n"), 400, "Content-Length"},
		{"empty length", head("Content-Length:\r\n"), 400, "Content-Length"},
		{"length beyond 64 bits", head("Content-Length: 18446744073709551616\r\n"), 400, "Content-Length"},
		{"length and coding", head("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400, "conflicting"},
		{"coding and length", head("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400, "conflicting"},
		{"two codings", head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, "repeated"},
		{"coding in http 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "Transfer-Encoding"},
		{"unknown coding", head("Transfer-Encoding: gzip, chunked\r\n"), 501, "coding"},
		{"obscured coding", head("Transfer-Encoding: \x0bchunked\r\n"), 400, "control"},
		{"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.0"},
		{"http 0.9", "GET / HTTP/0.9\r\n", 505, "HTTP/1.0"},
		{"request line beyond the limit", "GET /" + strings.Repeat("a", testLimit), 414, "request line"},
		{"method beyond the limit", strings.Repeat("A", testLimit), 414, "request line"},
		{"field beyond the limit", head("X: " + strings.Repeat("a", testLimit)), 431, "too long"},
		{"many fields beyond the limit", head(strings.Repeat("a:\r\n", testLimit/4)), 431, "too long"},
		{"an error behind the limit is not seen", head("X: " + strings.Repeat("a", testLimit) + "\x00"), 431, "too long"},
		{"an error before the limit is", head("X: \x00" + strings.Repeat("a", testLimit)), 400, "control"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Request
			n, err := ParseRequest([]byte(tc.in), testLimit, &r)
			var he *HTTPError
			if !errors.As(err, &he) {
				t.Fatalf("got %d, %v, want status %d", n, err, tc.status)
			}
			if he.Status != tc.status || !strings.Contains(he.Message, tc.message) {
				t.Errorf("got %v, want %d … %s …", he, tc.status, tc.message)
			}
			everySplit(t, []byte(tc.in), requestOutcome(testLimit))
		})
	}
}

func TestParseRequestNeedsMore(t *testing.T) {
	var r Request
	for i := range browserHead {
		if n, err := ParseRequest([]byte(browserHead[:i]), testLimit, &r); n != 0 || err != nil {
			t.Fatalf("the first %d bytes: got %d, %v, want 0, nil", i, n, err)
		}
	}
	if n, err := ParseRequest([]byte(browserHead+"next"), testLimit, &r); n != len(browserHead) || err != nil {
		t.Errorf("with bytes behind: got %d, %v, want %d, nil", n, err, len(browserHead))
	}
	if n, err := ParseRequest([]byte(browserHead), len(browserHead), &r); n != len(browserHead) || err != nil {
		t.Errorf("exactly as long as the limit: got %d, %v, want %d, nil", n, err, len(browserHead))
	}
	if _, err := ParseRequest([]byte(browserHead), len(browserHead)-1, &r); !errors.Is(err, errHeadTooLong) {
		t.Errorf("a byte longer than the limit: got %v, want %v", err, errHeadTooLong)
	}
}

func TestRequestHeader(t *testing.T) {
	var r Request
	in := "GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nLAST-event-ID: \t e-1 \r\nLast-Event-ID: e-2\r\n\r\n"
	if _, err := ParseRequest([]byte(in), testLimit, &r); err != nil {
		t.Fatal(err)
	}
	if got := r.Header("last-event-id"); string(got) != "e-1" {
		t.Errorf("got %q, want the first value, e-1", got)
	}
	if got := r.Header("Last-Event-ID"); string(got) != "e-1" {
		t.Errorf("in another case: got %q, want e-1", got)
	}
	if got := r.Header("x-empty"); got == nil || len(got) != 0 {
		t.Errorf("empty field: got %#v, want an empty slice", got)
	}
	if got := r.Header("x-none"); got != nil {
		t.Errorf("missing field: got %q, want nil", got)
	}
}

// FuzzParseRequest: however a head is cut, the outcome is the same; what we accept, net/http reads alike.
func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		browserHead, "\r\nGET http://b?x HTTP/1.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1]:1\r\nX : b\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		everySplit(t, in, requestOutcome(512))
		var r Request
		n, err := ParseRequest(in, testLimit, &r)
		if err != nil || n == 0 {
			return
		}
		std, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.Raw)))
		if err != nil {
			if strings.Contains(err.Error(), "parse") {
				return // net/http also decodes the target; we leave that to who needs it
			}
			t.Fatalf("accepted %q, which net/http refuses: %v", r.Raw, err)
		}
		got := fmt.Sprintf("%s %s %s", r.Method, r.Target, r.Host)
		if want := fmt.Sprintf("%s %s %s", std.Method, std.RequestURI, std.Host); got != want {
			t.Fatalf("got %s, want %s as net/http", got, want)
		}
	})
}

func BenchmarkParseRequest(b *testing.B) {
	in, r := []byte(browserHead), Request{}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := ParseRequest(in, testLimit, &r); n != len(in) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func TestParseRequestAllocs(t *testing.T) {
	in, bad, r := []byte(browserHead), []byte("GET / HTTP/1.1\n"), Request{}
	zeroAllocs(t, "a good head", func() { _, _ = ParseRequest(in, testLimit, &r) })
	zeroAllocs(t, "a bad head", func() { _, _ = ParseRequest(bad, testLimit, &r) })
	zeroAllocs(t, "a field", func() { _ = r.Header("sec-websocket-extensions") })
}
