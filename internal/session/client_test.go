package session

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"tickgate/internal/wire"
)

// client is the other side of a connection: a plain blocking socket of package net, and an independent frame codec.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func newClient(t testing.TB, c *net.TCPConn) *client { return &client{c, t, bufio.NewReader(c)} }

// request returns a request head for target with more field lines.
func request(target string, fields ...string) string {
	var b strings.Builder
	b.WriteString("GET " + target + " HTTP/1.1\r\nHost: gateway.example\r\n")
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	return b.String() + "\r\n"
}

// upgrade are the field lines of a WebSocket handshake.
var upgrade = []string{
	"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
}

// ws opens a WebSocket session.
func (g *gateway) ws(target string) *client {
	g.t.Helper()
	return g.dial().open(request(target, upgrade...), http.StatusSwitchingProtocols)
}

// sse opens an event stream with more field lines in the request, and reads the retry line that it begins with.
func (g *gateway) sse(target string, fields ...string) *client {
	g.t.Helper()
	c := g.dial().open(request(target, fields...), http.StatusOK)
	c.retry()
	return c
}

// open sends a request and reads the response head.
func (c *client) open(request string, status int) *client {
	c.t.Helper()
	c.write(request)
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != status {
		body, _ := io.ReadAll(resp.Body)
		c.t.Fatalf("got status %d %s, want %d", resp.StatusCode, body, status)
	}
	return c
}

func (c *client) write(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// rest reads up to the FIN. A reset instead of it fails the test.
func (c *client) rest() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Fatalf("got %v after %d bytes, want a clean end", err, len(b))
	}
	return string(b)
}

// end reads the end of the connection, which must be a FIN with nothing before it.
func (c *client) end() {
	c.t.Helper()
	if rest := c.rest(); rest != "" {
		c.t.Fatalf("got %.200q, want the end of the connection", rest)
	}
}

// intact checks that no reset has come, not even after the FIN.
func (c *client) intact() {
	c.t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	var pending int
	if failed := raw.Control(func(fd uintptr) {
		pending, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	}); failed != nil {
		err = failed
	}
	if err != nil || pending != 0 {
		c.t.Errorf("socket error: got %v (%v), want none", unix.Errno(pending), err)
	}
}

// block reads one block of an event stream: the lines up to a blank one, without it.
func (c *client) block() string {
	c.t.Helper()
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read event: %v (so far %.200q)", err, b.String())
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

// retry reads a block that is nothing but advice when to come back, and returns the milliseconds.
func (c *client) retry() (ms int) {
	c.t.Helper()
	got := c.block()
	if n, err := fmt.Sscanf(got, "retry: %d\n", &ms); n != 1 || err != nil || ms < 0 {
		c.t.Fatalf("got %q, want retry: <ms>", got)
	}
	return ms
}

// event reads an event and demands that it is exactly so.
func (c *client) event(want string) {
	c.t.Helper()
	if got := c.block(); got != want {
		c.t.Fatalf("got event %.200q, want %.200q", got, want)
	}
}

// frame is one frame of the server.
type frame struct {
	op      ws.OpCode
	final   bool
	payload string
}

// frame reads a frame and checks its header.
func (c *client) frame() frame {
	c.t.Helper()
	h, err := ws.ReadHeader(c.r)
	if err != nil {
		c.t.Fatalf("read frame: %v", err)
	}
	if h.Masked || h.Rsv != 0 {
		c.t.Fatalf("got frame header %+v, want no mask and no reserved bits", h)
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		c.t.Fatalf("read %d bytes of payload: %v", h.Length, err)
	}
	return frame{h.OpCode, h.Fin, string(payload)}
}

// expect reads a frame that is a whole message or control frame and demands what it holds.
func (c *client) expect(op ws.OpCode, payload string) {
	c.t.Helper()
	if got := c.frame(); got != (frame{op, true, payload}) {
		c.t.Fatalf("got %v final %t %.100q (%d bytes), want %v final %.100q (%d bytes)",
			got.op, got.final, got.payload, len(got.payload), op, payload, len(payload))
	}
}

// message reads frames up to the last one of a message, the control frames in between left out.
func (c *client) message() (op ws.OpCode, payload string) {
	c.t.Helper()
	var b strings.Builder
	for first := true; ; {
		f := c.frame()
		if f.op.IsControl() {
			continue
		}
		if first {
			op = f.op
		} else if f.op != ws.OpContinuation {
			c.t.Fatalf("got %v inside a message, want a continuation", f.op)
		}
		first = false
		b.WriteString(f.payload)
		if f.final {
			return op, b.String()
		}
	}
}

// closeFrame skips messages up to a close frame, and demands that the connection ends behind it.
func (c *client) closeFrame() (code uint16, reason string) {
	c.t.Helper()
	for {
		f := c.frame()
		if f.op != ws.OpClose {
			continue
		}
		code, text, err := wire.ParseClose([]byte(f.payload))
		if err != nil {
			c.t.Fatalf("got close frame %q: %v", f.payload, err)
		}
		c.end()
		return code, string(text)
	}
}

// masked returns a frame as a client sends it.
func masked(op ws.OpCode, final bool, payload string) string {
	f := ws.NewFrame(op, final, []byte(payload))
	return string(ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{0x12, 0x9a, 0x00, 0xf1})))
}

// closing returns a client's close frame.
func closing(code ws.StatusCode, reason string) string {
	return masked(ws.OpClose, true, string(ws.NewCloseFrameBody(code, reason)))
}
