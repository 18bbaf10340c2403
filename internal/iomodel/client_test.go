package iomodel

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/wire"
)

// peer is a client that sees raw bytes.
type peer struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// dial connects. A window of 0 leaves the receive buffer to the kernel.
func (g *gateway) dial(t testing.TB, window int) *peer {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			if window > 0 {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, window)
			}
		})
	}}
	c, err := d.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	return &peer{Conn: c, t: t, r: bufio.NewReader(c)}
}

// send writes text, in which LF becomes CRLF.
func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		p.t.Fatal(err)
	}
}

// head reads up to the empty line.
func (p *peer) head() string {
	p.t.Helper()
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("read head: %v (so far %q)", err, head.String())
		}
		head.WriteString(line)
	}
	return head.String()
}

// read reads n bytes.
func (p *peer) read(n int) []byte {
	p.t.Helper()
	b := make([]byte, n)
	if got, err := io.ReadFull(p.r, b); err != nil {
		p.t.Fatalf("read %d bytes: %v, got %q", n, err, b[:min(got, 200)])
	}
	return b
}

// rest reads to the end. A reset counts as the end.
func (p *peer) rest() []byte {
	b, _ := io.ReadAll(p.r)
	return b
}

// expect reads exactly want.
func (p *peer) expect(what string, want []byte) {
	p.t.Helper()
	if got := p.read(len(want)); !bytes.Equal(got, want) {
		p.t.Fatalf("%s: got %.300q, want %.300q", what, got, want)
	}
}

// sse opens a stream and reads its retry line.
func (g *gateway) sse(t testing.TB) *peer {
	t.Helper()
	p := g.dial(t, 0)
	p.send("GET /sse HTTP/1.1\nHost: x\n\n")
	head := p.head()
	for _, want := range []string{
		"HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream; charset=utf-8\r\n", "Cache-Control: no-store\r\n",
		"X-Accel-Buffering: no\r\n", "Access-Control-Allow-Origin: *\r\n", "Connection: close\r\n",
	} {
		if !strings.Contains(head, want) {
			t.Fatalf("head: got %q, want %q in it", head, want)
		}
	}
	if strings.Contains(head, "Transfer-Encoding") || strings.Contains(head, "Content-Length") {
		t.Fatalf("head: got %q, want a body that ends with the connection", head)
	}
	p.retry()
	return p
}

// retry reads a retry line and its blank line.
func (p *peer) retry() (ms int) {
	p.t.Helper()
	line, err := p.r.ReadString('\n')
	if _, scanned := fmt.Sscanf(line, "retry: %d\n", &ms); scanned != nil {
		p.t.Fatalf("got %q (%v), want a retry line", line, err)
	}
	p.expect("blank line", []byte("\n"))
	return ms
}

const upgrade = "GET /ws HTTP/1.1\nHost: x\nUpgrade: websocket\nConnection: Upgrade\n" +
	"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"

// ws opens a WebSocket.
func (g *gateway) ws(t testing.TB) *peer {
	t.Helper()
	p := g.dial(t, 0)
	p.send(upgrade)
	p.switched()
	return p
}

func (p *peer) switched() {
	p.t.Helper()
	head := p.head()
	for _, want := range []string{"HTTP/1.1 101 ", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"} {
		if !strings.Contains(head, want) {
			p.t.Fatalf("head: got %q, want %q in it", head, want)
		}
	}
}

// frame sends a masked frame.
func (p *peer) frame(op wire.Opcode, payload string) {
	p.t.Helper()
	if _, err := p.Write(wire.AppendMaskedFrame(nil, op, []byte(payload), [4]byte{1, 2, 3, 4})); err != nil {
		p.t.Fatal(err)
	}
}

// part reads the next frame, which must fit the reader's buffer.
func (p *peer) part() wire.Part {
	p.t.Helper()
	for n := 2; ; n++ {
		b, err := p.r.Peek(n)
		if err != nil {
			p.t.Fatalf("read frame: %v", err)
		}
		var d wire.Decoder
		part, used, err := d.Next(bytes.Clone(b), &wire.Limits{})
		if err != nil {
			p.t.Fatal(err)
		}
		if part.Kind != wire.None && (part.Kind != wire.Data || part.Final) {
			_, _ = p.r.Discard(used)
			return part
		}
	}
}
