package iomodel

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/wire"
)

// serveSocket is the handler of /ws: it takes the connection from net/http, starts the session's two goroutines and
// returns, which gives net/http's goroutine and buffers back.
func (s *netServer) serveSocket(w http.ResponseWriter, r *http.Request, sub *subscriber) {
	s.move(webSocket, gone, webSocket, handshake)
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		if conn != nil {
			_ = conn.Close()
		}
		s.countRefusal("bad_handshake")
		s.move(webSocket, handshake, webSocket, gone)
		s.turnAway(sub)
		return
	}
	s.handshakes[webSocket].Add(1)
	s.move(webSocket, handshake, webSocket, open)
	c := &socket{server: s, sub: sub, conn: conn, ended: make(chan struct{})}
	early := buffered(rw.Reader)
	go c.read(early)
	go c.run()
}

// buffered returns a copy of what a client sent right behind its request.
func buffered(r *bufio.Reader) []byte {
	b, _ := r.Peek(r.Buffered())
	return append([]byte(nil), b...)
}

// socket is a WebSocket and its two goroutines. It implements sink.
type socket struct {
	server *netServer
	sub    *subscriber
	conn   net.Conn
	pinged atomic.Bool   // a ping is unanswered, and a read deadline set
	ended  chan struct{} // closed when the reader has ended
}

// run is the writer: it runs the session, and closes the connection.
func (c *socket) run() {
	one := &stream{core: c.server.core, sub: c.sub, out: c}
	end := one.run(nil, nil) // the reader says when the client has closed
	c.server.move(webSocket, open, webSocket, closing)
	switch end {
	case writeTimeout, pingTimeout:
		c.sub.reset()
	case peerClosed, peerReset:
	default:
		c.linger()
	}
	_ = c.conn.Close()
	<-c.ended
	c.server.move(webSocket, closing, webSocket, gone)
	c.server.end(c.sub, end)
}

// linger ends the way down and gives the client time to close, so that it sees the close frame.
func (c *socket) linger() {
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	late := time.AfterFunc(c.server.cfg.Linger, c.sub.reset)
	defer late.Stop()
	<-c.ended
}

// write implements sink.
func (c *socket) write(b []byte) error {
	if c.server.cfg.WriteTimeout > 0 {
		if err := c.conn.SetWriteDeadline(time.Now().Add(c.server.cfg.WriteTimeout)); err != nil {
			return err
		}
	}
	_, err := c.conn.Write(b)
	return err
}

// expect implements sink. The deadline comes first, since the reader takes it back if it sees the mark.
func (c *socket) expect(d time.Duration) {
	_ = c.conn.SetReadDeadline(time.Now().Add(d))
	c.pinged.Store(true)
}

// readBuffer holds the longest control frame of a client, 131 bytes; messages are decoded in pieces.
const readBuffer = 512

// read is the reader: it decodes what the client sends, starting with early, until the connection is closed.
func (c *socket) read(early []byte) {
	defer close(c.ended)
	limits := wire.Limits{Server: true, MaxMessage: int64(c.server.cfg.MaxInbound)}
	var decoder wire.Decoder
	b := make([]byte, max(readBuffer, len(early)))
	for kept, n := 0, copy(b, early); ; {
		used := c.decode(&decoder, &limits, b[:kept+n])
		kept = copy(b, b[used:kept+n])
		var err error
		if n, err = c.conn.Read(b[kept:]); err != nil {
			c.sub.tell(note{end: readFault(err)})
			return
		}
		c.server.bytesIn.Add(uint64(n))
		c.sub.heard.Store(time.Now().UnixNano())
		if c.pinged.Swap(false) {
			_ = c.conn.SetReadDeadline(time.Time{})
		}
	}
}

// decode handles the frames in b and returns how many bytes it consumed.
func (c *socket) decode(d *wire.Decoder, limits *wire.Limits, b []byte) (used int) {
	for used < len(b) {
		part, n, err := d.Next(b[used:], limits)
		used += n
		switch {
		case err != nil:
			frame, r := fault(err)
			c.sub.tell(note{bytes: frame, end: r})
		case part.Kind == wire.Ping:
			c.sub.tell(note{bytes: wire.AppendPong(nil, part.Payload)})
		case part.Kind == wire.Close:
			c.sub.tell(note{bytes: wire.AppendCloseFrame(nil, part.Code, ""), end: clientClosed})
		case part.Kind == wire.None && n == 0:
			return used
		}
	}
	return used
}

// readFault says why a read failed.
func readFault(err error) reason {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return pingTimeout
	case errors.Is(err, io.EOF):
		return peerClosed
	}
	return peerReset
}
