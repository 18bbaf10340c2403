package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// wsClient is a WebSocket client that looks at single frames (gobwas/ws). Safe for concurrent use.
type wsClient struct {
	conn net.Conn
	in   io.Reader     // conn, behind what came together with the handshake's answer
	done chan struct{} // closed when no more frames come

	mu       sync.Mutex
	messages []string // payloads of data frames
	pings    int
	pongs    []string // payloads
	closed   bool     // a close frame came
	code     ws.StatusCode
	reason   string
	closedAt time.Time
	err      error // what the read behind the last frame returned; io.EOF is a proper end of the connection
}

// dialWS opens a WebSocket without reading from it.
func dialWS(url string) (*wsClient, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, buffered, _, err := ws.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	c := &wsClient{conn: conn, in: conn, done: make(chan struct{})}
	if buffered != nil {
		c.in = buffered
	}
	return c, nil
}

// openWS opens a WebSocket, reads it until the end and answers pings and the close frame.
func openWS(t testing.TB, url string) *wsClient {
	t.Helper()
	c, err := dialWS(url)
	if err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	go c.read(true)
	return c
}

// openMuteWS is openWS for a client that sends nothing by itself.
func openMuteWS(t testing.TB, url string) *wsClient {
	t.Helper()
	c, err := dialWS(url)
	if err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	go c.read(false)
	return c
}

func (c *wsClient) read(answer bool) {
	defer close(c.done)
	in := bufio.NewReader(c.in)
	for {
		frame, err := readFrame(in)
		if err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			if answer {
				_ = c.conn.Close() // the server closes first (RFC 6455 §7.1.1) and waits for this
			}
			return
		}
		c.take(frame)
		switch {
		case !answer:
		case frame.Header.OpCode == ws.OpPing:
			c.send(ws.NewPongFrame(frame.Payload))
		case frame.Header.OpCode == ws.OpClose:
			c.send(ws.NewCloseFrame(frame.Payload))
		}
	}
}

// readFrame reads one frame of a server. At the border between two frames the end of the connection is io.EOF itself.
func readFrame(in io.Reader) (ws.Frame, error) {
	header, err := ws.ReadHeader(in)
	if err != nil {
		return ws.Frame{}, err
	}
	if header.Masked || header.Length > 1<<20 {
		return ws.Frame{}, fmt.Errorf("got a frame header %+v, want no mask and a sensible length", header)
	}
	payload := make([]byte, header.Length)
	if _, err := io.ReadFull(in, payload); err != nil {
		return ws.Frame{}, fmt.Errorf("read a payload: %w", err)
	}
	return ws.Frame{Header: header, Payload: payload}, nil
}

func (c *wsClient) take(frame ws.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch frame.Header.OpCode {
	case ws.OpPing:
		c.pings++
	case ws.OpPong:
		c.pongs = append(c.pongs, string(frame.Payload))
	case ws.OpClose:
		c.closed, c.closedAt = true, time.Now()
		c.code = ws.StatusNoStatusRcvd // RFC 6455 §7.1.5: a close frame may be empty
		if len(frame.Payload) > 0 {
			c.code, c.reason = ws.ParseCloseFrameData(frame.Payload)
		}
	default:
		c.messages = append(c.messages, string(frame.Payload))
	}
}

// send writes a masked frame; an error shows as the end of the stream.
func (c *wsClient) send(frame ws.Frame) {
	_ = ws.WriteFrame(c.conn, ws.MaskFrame(frame))
}

// seen returns a copy of the messages so far.
func (c *wsClient) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

// wait returns the first n messages once they are there.
func (c *wsClient) wait(t testing.TB, n int) []string {
	t.Helper()
	if !holds(patience, func() bool { return len(c.seen()) >= n }) {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Fatalf("got %d messages, want %d; close code %d %q, read error %v", len(c.messages), n, c.code, c.reason, c.err)
	}
	return c.seen()[:n]
}

// waitClose waits for the server's close frame and the end of the connection behind it, which must be a FIN and not a reset.
func (c *wsClient) waitClose(t testing.TB, within time.Duration) (ws.StatusCode, string) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(within):
		t.Fatalf("got no end of the connection within %v", within)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		t.Errorf("got no close frame before the end of the connection: %v", c.err)
	}
	if c.err != io.EOF { //nolint:errorlint // readFrame returns io.EOF itself between two frames; a wrapped one is a broken frame
		t.Errorf("behind the close frame: got %v, want the end of the connection (FIN)", c.err)
	}
	return c.code, c.reason
}

// closes returns what the close frame said, and whether one came.
func (c *wsClient) closes() (came bool, code ws.StatusCode, reason string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed, c.code, c.reason, c.closedAt
}
