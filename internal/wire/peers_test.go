package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// messages are the lengths at which a frame header changes, and texts with runes to cut.
var messages = []string{"", "a", strings.Repeat("b", 125), strings.Repeat("c", 126), strings.Repeat("d", 65535), strings.Repeat("€", 30000), "\xff\x00"}

// pump reads from c into a buffer and calls take with what is there, until take says stop or the connection ends.
func pump(c net.Conn, take func(b []byte) (n int, stop bool)) error {
	var rest []byte
	buf := make([]byte, 4096)
	for {
		k, err := c.Read(buf)
		if err != nil {
			return err
		}
		rest = append(rest, buf[:k]...)
		n, stop := take(rest)
		if stop {
			return nil
		}
		rest = append(rest[:0], rest[n:]...)
	}
}

// echo serves one connection: a handshake, then every part comes back as the same fragment, until the close.
func echo(c net.Conn) error {
	var (
		d    Decoder
		open bool
		fail error
	)
	err := pump(c, func(b []byte) (n int, stop bool) {
		var out []byte
		if !open {
			var r Request
			if n, fail = ParseRequest(b, testLimit, &r); fail != nil || n == 0 {
				return n, fail != nil
			}
			if out, _, fail = AppendUpgrade(nil, &r, []string{Subprotocol}, false); fail != nil {
				return n, true
			}
			open = true
		}
		for {
			p, k, err := d.Next(b[n:], &Limits{Server: true, MaxMessage: 1 << 20})
			if n += k; err != nil {
				fail = err
				return n, true
			}
			switch p.Kind {
			case Data:
				op := OpContinuation
				if p.First {
					op = p.Op
				}
				out = AppendFragment(out, op, p.Final, p.Payload)
			case Ping:
				out = AppendPong(out, p.Payload)
			case Close:
				_, fail = c.Write(AppendCloseFrame(out, p.Code, string(p.Payload)))
				return n, true
			case None:
				if k == 0 {
					_, fail = c.Write(out)
					return n, fail != nil
				}
			}
		}
	})
	return errors.Join(err, fail)
}

// serveEcho accepts connections until the test ends and gives the address.
func serveEcho(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if err := echo(c); err != nil {
				t.Errorf("echo: %v", err)
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestServerSideWithCoder(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+serveEcho(t)+"/ws", &websocket.DialOptions{Subprotocols: []string{"other", Subprotocol}})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	if c.Subprotocol() != Subprotocol {
		t.Errorf("got subprotocol %q, want %q", c.Subprotocol(), Subprotocol)
	}
	for _, m := range messages {
		kind := websocket.MessageText
		if m == "\xff\x00" {
			kind = websocket.MessageBinary
		}
		if err := c.Write(ctx, kind, []byte(m)); err != nil {
			t.Fatal(err)
		}
		gotKind, got, err := c.Read(ctx)
		if err != nil || gotKind != kind || string(got) != m {
			t.Fatalf("got %v of %d bytes, %v, want %v of %d", gotKind, len(got), err, kind, len(m))
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestServerSideWithGobwas(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, _, hs, err := ws.Dialer{Protocols: []string{Subprotocol}}.Dial(ctx, "ws://"+serveEcho(t)+"/ws")
	if err != nil || hs.Protocol != Subprotocol {
		t.Fatalf("got %+v, %v", hs, err)
	}
	defer func() { _ = c.Close() }()
	for _, m := range messages[:len(messages)-1] {
		if err := wsutil.WriteClientText(c, []byte(m)); err != nil {
			t.Fatal(err)
		}
		if got, err := wsutil.ReadServerText(c); err != nil || string(got) != m {
			t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(m))
		}
	}
	if err := wsutil.WriteClientMessage(c, ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, "bye")); err != nil {
		t.Fatal(err)
	}
	var closed wsutil.ClosedError
	if _, err = wsutil.ReadServerText(c); !errors.As(err, &closed) || closed.Code != ws.StatusNormalClosure || closed.Reason != "bye" {
		t.Errorf("got %v, want the close back", err)
	}
}

// TestClientSideWithCoder lets our client talk to a server of coder/websocket.
func TestClientSideWithCoder(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}})
		if err != nil {
			return
		}
		c.SetReadLimit(1 << 20)
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, b); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	c := dial(t, server.Listener.Addr().String())
	q := ClientRequest{Host: "localhost", Target: "/", Protocol: Subprotocol}
	nonce := [16]byte([]byte("0123456789abcdef"))
	if _, err := c.Write(AppendHandshake(nil, &q, nonce)); err != nil {
		t.Fatal(err)
	}
	var (
		d    Decoder
		open bool
		sent int
		got  []byte
		end  Part
	)
	send := func() {
		op := OpText
		if sent == len(messages)-1 {
			op = OpBinary
		}
		frame := AppendMaskedFrame(nil, op, []byte(messages[sent]), testKey)
		if _, err := c.Write(AppendMaskedFrame(frame, OpPong, nil, testKey)); err != nil {
			t.Error(err)
		}
		sent++
	}
	err := pump(c, func(b []byte) (n int, stop bool) {
		if !open {
			var r Response
			var err error
			if n, err = ParseResponse(b, testLimit, &r); err != nil || n == 0 {
				return n, err != nil
			}
			if err := CheckAccept(&r, &q, nonce); err != nil {
				t.Error(err)
				return n, true
			}
			open = true
			send()
		}
		for {
			p, k, err := d.Next(b[n:], &Limits{})
			if n += k; err != nil {
				t.Error(err)
				return n, true
			}
			switch {
			case p.Kind == Close:
				end = p
				return n, true
			case p.Kind == None && k == 0:
				return n, false
			case p.Kind == Data:
				got = append(got, p.Payload...)
			}
			if !p.Final {
				continue
			}
			if string(got) != messages[sent-1] {
				t.Errorf("message %d: got %d bytes, want %d", sent-1, len(got), len(messages[sent-1]))
			}
			if got = got[:0]; sent < len(messages) {
				send()
			} else if _, err := c.Write(AppendMaskedFrame(nil, OpClose, AppendClosePayload(nil, CloseNormal, "bye"), testKey)); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || sent != len(messages) || end.Code != CloseNormal {
		t.Errorf("got %d messages, close %d, %v, want %d, 1000, nil", sent, end.Code, err, len(messages))
	}
}

// TestClientSideWithNetHTTP reads a chunked event stream of net/http through the whole stack of decoders, with the
// leftovers of two of them in one buffer.
func TestClientSideWithNetHTTP(t *testing.T) {
	const events = 50
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range events {
			b := AppendSSEEvent(nil, fmt.Sprintf("e-%d", i), "", []byte(tick+"\n"+strings.Repeat("x", i*7)))
			_, _ = w.Write(b[:len(b)/2]) // events are cut by chunks, chunks by reads
			w.(http.Flusher).Flush()
			_, _ = w.Write(b[len(b)/2:])
		}
	}))
	defer server.Close()
	c := dial(t, server.Listener.Addr().String())
	if _, err := c.Write(AppendClientRequest(nil, &ClientRequest{Host: "localhost", Target: "/sse", Fields: "Connection: close\r\n"})); err != nil {
		t.Fatal(err)
	}
	var (
		resp   Response
		chunks ChunkedDecoder
		sse    SSEDecoder
		kept   int
		seen   int
	)
	err := pump(c, func(b []byte) (n int, stop bool) {
		if resp.Status == 0 {
			var err error
			if n, err = ParseResponse(b, testLimit, &resp); err != nil || n == 0 {
				resp.Status = 0
				return n, err != nil
			}
		}
		lo, hi, err := chunks.Unwrap(b[n:], kept)
		if err != nil {
			t.Error(err)
			return n, true
		}
		data := b[n+lo : n+hi]
		for {
			e, k := sse.Next(data)
			if k == 0 {
				break
			}
			if data = data[k:]; e.HasData {
				if want := fmt.Sprintf("e-%d %s\n%s", seen, tick, strings.Repeat("x", seen*7)); fmt.Sprintf("%s %s", e.ID, e.Data) != want {
					t.Errorf("got %s %s, want %s", e.ID, e.Data, want)
				}
				seen++
			}
		}
		kept = len(data)
		return n + hi - kept, chunks.Done()
	})
	if err != nil || seen != events || !resp.Chunked {
		t.Errorf("got %d events, chunked %v, %v, want %d", seen, resp.Chunked, err, events)
	}
}

// TestErrorsWithNetHTTP: a real client reads a refusal to its end.
func TestErrorsWithNetHTTP(t *testing.T) {
	client, server := net.Pipe()
	go func() {
		_ = pump(server, func(b []byte) (int, bool) {
			var r Request
			n, _ := ParseRequest(b, testLimit, &r)
			if n > 0 {
				_, _, err := AppendUpgrade(nil, &r, nil, false)
				var he *HTTPError
				if errors.As(err, &he) {
					_, _ = server.Write(AppendHTTPError(nil, he))
				}
			}
			return n, n > 0
		})
		_ = server.Close()
	}()
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
	resp, err := (&http.Client{Transport: tr}).Get("http://tickgate/ws")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != 426 || !bytes.Contains(body, []byte(`"upgrade_required"`)) {
		t.Errorf("got %d %s, %v, want 426 upgrade_required", resp.StatusCode, body, err)
	}
}

// dial connects to addr for at most as long as a test may take.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}
