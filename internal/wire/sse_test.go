package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAppendSSE(t *testing.T) {
	for _, tc := range []struct {
		name string
		got  []byte
		want string
	}{
		{"event", AppendSSEEvent(nil, "5f3a-42", "", []byte(tick)), "id: 5f3a-42\ndata: " + tick + "\n\n"},
		{"typed event", AppendSSEEvent(nil, "1", "tick", []byte("x")), "id: 1\nevent: tick\ndata: x\n\n"},
		{"no id", AppendSSEEvent(nil, "", "", []byte("x")), "data: x\n\n"},
		{"no data", AppendSSEEvent(nil, "1", "", nil), "id: 1\ndata: \n\n"},
		{"lines", AppendSSEEvent(nil, "", "", []byte("a\nb\rc\r\nd")), "data: a\ndata: b\ndata: c\ndata: d\n\n"},
		{"line ends at the edges", AppendSSEEvent(nil, "", "", []byte("\na\r\n")), "data: \ndata: a\ndata: \n\n"},
		{"blank lines", AppendSSEEvent(nil, "", "", []byte("\r\r\n\n\r")), "data: \ndata: \ndata: \ndata: \ndata: \n\n"},
		{"spaces are kept", AppendSSEEvent(nil, "", "", []byte("  a ")), "data:   a \n\n"},
		{"nothing smuggled through an id", AppendSSEEvent(nil, "1\ndata: x\r\x00", "", nil), "id: 1data: x\ndata: \n\n"},
		{"nothing smuggled through a type", AppendSSEEvent(nil, "", "a\r\n\nid: 9", nil), "event: aid: 9\ndata: \n\n"},
		{"not UTF-8", AppendSSEEvent(nil, "", "", []byte("a\xff\nb\xe2\x82")), "data: a\uFFFD\ndata: b\uFFFD\uFFFD\n\n"},
		{"heartbeat", AppendSSEComment(nil, ""), ":\n\n"},
		{"comment", AppendSSEComment(nil, "hello\n\nid: 1"), ":helloid: 1\n\n"},
		{"retry", AppendSSERetry(nil, 1500*time.Millisecond), "retry: 1500\n\n"},
		{"negative retry", AppendSSERetry(nil, -1), "retry: 0\n\n"},
		{
			"gap", AppendSSEGap(nil, "price.\"A\"", "5f3a-1\n", "5f3a-42"),
			"event: gap\ndata: {\"requested\":\"5f3a-1\\n\",\"oldest\":\"5f3a-42\",\"topic\":\"price.\\\"A\\\"\"}\n\n",
		},
		{
			"head", AppendSSEHead(nil, CORS{}),
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n",
		},
		{
			"head for everybody", AppendSSEHead(nil, CORS{Origin: "*"}),
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n" +
				"Access-Control-Allow-Origin: *\r\n\r\n",
		},
		{
			"preflight", AppendPreflight(nil, CORS{Origin: "https://a", Credentials: true}),
			"HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\nConnection: close\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n" +
				"Access-Control-Allow-Headers: Authorization, Cache-Control, Last-Event-ID\r\nAccess-Control-Max-Age: 86400\r\n" +
				"Access-Control-Allow-Origin: https://a\r\nVary: Origin\r\nAccess-Control-Allow-Credentials: true\r\n\r\n",
		},
		{"plain OPTIONS", AppendPreflight(nil, CORS{}), "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if string(tc.got) != tc.want {
				t.Errorf("got  %q\nwant %q", tc.got, tc.want)
			}
		})
	}
}

// sseOutcome decodes a stream that arrives in pieces and describes what a client is told.
func sseOutcome(pieces ...[]byte) string {
	var (
		d   SSEDecoder
		out strings.Builder
	)
	arrivals(pieces, func(b []byte) (consumed int, stop bool) {
		for {
			e, n := d.Next(b[consumed:])
			if n == 0 {
				return consumed, false
			}
			consumed += n
			if e.HasID {
				fmt.Fprintf(&out, "id{%q} ", e.ID)
			}
			if e.HasRetry {
				fmt.Fprintf(&out, "retry{%v} ", e.Retry)
			}
			if e.HasData {
				fmt.Fprintf(&out, "%s{%q} ", e.Event, e.Data)
			}
		}
	})
	return strings.TrimSpace(out.String())
}

func TestSSEDecoder(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"ours", string(AppendSSEEvent(nil, "5f3a-42", "tick", []byte("a\nb"))), `id{"5f3a-42"} tick{"a\nb"}`},
		{"retry, heartbeat, event", "retry: 3000\n\n:\n\ndata: x\n\n", `retry{3s} {"x"}`},
		{"CR", "id: 1\rdata: x\r\rdata: y\r\r", `id{"1"} {"x"} {"y"}`},
		{"CRLF", "id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n", `id{"1"} {"x"} {"y"}`},
		{"mixed line ends", "data: x\r\n\rdata: y\n\r\ndata: z\r\r\n", `{"x"} {"y"} {"z"}`},
		{"byte order mark", "\uFEFFdata: x\n\n", `{"x"}`},
		{"only one mark, only at the start", "\uFEFF\uFEFFdata: x\n\ndata: y\n\n\uFEFFdata: z\n\n", `{"y"}`},
		{"half a mark", "\xef\xbbdata: x\n\ndata: y\n\n", `{"y"}`},
		{"no space, one space, two spaces", "data:x\ndata: y\ndata:  z\n\n", `{"x\ny\n z"}`},
		{"empty data", "data\n\ndata:\n\ndata: \n\n", `{""} {""} {""}`},
		{"two empty lines of data", "data\ndata\n\n", `{"\n"}`},
		{"id alone", "id: 7\n\n", `id{"7"}`},
		{"id without value resets", "id: 7\ndata\n\nid\ndata\n\n", `id{"7"} {""} id{""} {""}`},
		{"id with NUL is ignored", "id: 1\x002\ndata: x\n\n", `{"x"}`},
		{"type without data", "event: a\n\ndata: x\n\n", `{"x"}`},
		{"the last type wins", "event: a\nevent: b\ndata: x\n\n", `b{"x"}`},
		{"fields between data lines", "data: aaaa\nid: 12345\ndata: bbbb\nevent: tick\ndata: cccc\ndata: dd\n\n", `id{"12345"} tick{"aaaa\nbbbb\ncccc\ndd"}`},
		{"comments and unknown fields between data lines", "data: a\n: no\nfoo: bar\nDATA: no\ndata: b\n\n", `{"a\nb"}`},
		{"bad retries", "retry: 1s\nretry: -1\nretry:\nretry: 5\n\n", `retry{5ms}`},
		{"colon in a value", "data: a: b\n\n", `{"a: b"}`},
		{"spaces before a name", " data: x\n\n", ``},
		{"no blank line at the end", "data: x\n", ``},
		{"comments only", ":a\n:b\r:c\r\n\n", ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := everySplit(t, []byte(tc.in), sseOutcome); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestSSEDecoderConsumesComments(t *testing.T) {
	var d SSEDecoder
	if _, n := d.Next([]byte(":heartbeat\n")); n != 11 {
		t.Errorf("got %d bytes consumed, want 11: heartbeats must not pile up in front of the next event", n)
	}
}

// referenceSSE follows the algorithm of WHATWG HTML §9.2.6 literally, on the whole stream.
func referenceSSE(in []byte) string {
	var (
		out                   strings.Builder
		data, event, id, when string
		hasID, hasData        bool
	)
	text := strings.TrimPrefix(string(in), "\uFEFF")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	for _, line := range lines[:len(lines)-1] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if hasID {
				fmt.Fprintf(&out, "id{%q} ", id)
			}
			out.WriteString(when)
			if hasData {
				fmt.Fprintf(&out, "%s{%q} ", event, data[:len(data)-1])
			}
			data, event, when, hasID, hasData = "", "", "", false, false
		case name == "data":
			data, hasData = data+value+"\n", true
		case name == "event":
			event = value
		case name == "id" && !strings.Contains(value, "\x00"):
			id, hasID = value, true
		case name == "retry":
			if d, ok := milliseconds([]byte(value)); ok {
				when = fmt.Sprintf("retry{%v} ", d)
			}
		}
	}
	return strings.TrimSpace(out.String())
}

func FuzzSSEDecoder(f *testing.F) {
	f.Add([]byte("\uFEFFretry: 1\r\n\r\n:\rid: 1\ndata: a\ndata: b\r\r\n"))
	f.Add([]byte("data: a\nid: 1\ndata: b\nevent\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if got, want := everySplit(t, in, sseOutcome), referenceSSE(in); got != want {
			t.Fatalf("%q: got %s, want %s", in, got, want)
		}
	})
}

// FuzzAppendSSEEvent: a client gets one event, with the payload that was published, line ends made LF.
func FuzzAppendSSEEvent(f *testing.F) {
	f.Add("5f3a-42", "tick", []byte("a\r\nb\rc\n"))
	f.Fuzz(func(t *testing.T, id, event string, data []byte) {
		b := AppendSSEEvent(nil, id, event, data)
		if !utf8.Valid(b) {
			t.Fatalf("got %q, which is not UTF-8", b)
		}
		line := strings.NewReplacer("\r", "", "\n", "", "\x00", "")
		text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
		var d SSEDecoder
		if bytes.HasPrefix(b, []byte(byteOrderMark)) {
			t.Fatalf("got a stream that starts with a byte order mark: %q", b)
		}
		e, n := d.Next(b)
		if n != len(b) || !e.HasData || e.HasID != (id != "") {
			t.Fatalf("%q: got %+v of %d bytes, want one event of %d", b, e, n, len(b))
		}
		if string(e.ID) != line.Replace(string([]rune(id))) || string(e.Event) != line.Replace(string([]rune(event))) || string(e.Data) != string([]rune(text)) {
			t.Fatalf("got %q %q %q, want %q %q %q", e.ID, e.Event, e.Data, id, event, text)
		}
	})
}

func BenchmarkSSEDecoder(b *testing.B) {
	var d SSEDecoder
	in := AppendSSEEvent(nil, "5f3a-42", "", []byte(tick))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if e, n := d.Next(in); n != len(in) || !e.HasData {
			b.Fatal(e, n)
		}
	}
}

func TestSSEDecoderAllocs(t *testing.T) {
	var d SSEDecoder
	in := AppendSSEEvent(nil, "5f3a-42", "tick", []byte("two\nlines"))
	work := make([]byte, len(in))
	zeroAllocs(t, "an event of two lines", func() { copy(work, in); _, _ = d.Next(work) })
}
