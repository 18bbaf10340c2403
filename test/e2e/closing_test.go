package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/trial"
)

// TestCloseHandshake: however a WebSocket ends, the client reads a close frame with the right code and then the end of the connection; a
// reset could take the frame away from it.
func TestCloseHandshake(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed-interval": "10ms", "max-inbound": "64KiB"}})
	masked := func(frame ws.Frame) []byte { return ws.MustCompileFrame(ws.MaskFrame(frame)) }
	tests := []struct {
		name string
		send []byte
		want ws.StatusCode
	}{
		{"normal close", masked(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "bye"))), 1000},
		{"going away", masked(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, ""))), 1001},
		{"close without a code", masked(ws.NewCloseFrame(nil)), ws.StatusNoStatusRcvd},
		{"private code", masked(ws.NewCloseFrame(ws.NewCloseFrameBody(4123, ""))), 4123},
		{"forbidden code", masked(ws.NewCloseFrame(ws.NewCloseFrameBody(1005, ""))), 1002},
		{"code of one byte", masked(ws.NewCloseFrame([]byte{3})), 1002},
		{"unmasked frame", ws.MustCompileFrame(ws.NewTextFrame([]byte("hello"))), 1002},
		{"unmasked frame with much behind it", append(ws.MustCompileFrame(ws.NewTextFrame([]byte("hello"))), make([]byte, 256<<10)...), 1002},
		{"reserved opcode", masked(ws.NewFrame(0x3, true, nil)), 1002},
		{"reserved bit", []byte{0xc1, 0x80, 0, 0, 0, 0}, 1002},
		{"fragmented ping", masked(ws.NewFrame(ws.OpPing, false, nil)), 1002},
		{"continuation of nothing", masked(ws.NewFrame(ws.OpContinuation, true, []byte("x"))), 1002},
		{"invalid UTF-8", masked(ws.NewTextFrame([]byte{0xff, 0xfe})), 1007},
		{"too big", masked(ws.NewBinaryFrame(make([]byte, 65<<10))), 1009},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openMuteWS(t, "ws://"+g.Addr+"/ws")
			c.wait(t, 1)
			_, _ = c.conn.Write(tt.send) // may fail in the middle of what comes behind the error; the reader judges
			if code, _ := c.waitClose(t, patience); code != tt.want {
				t.Errorf("got close code %d, want %d", code, tt.want)
			}
		})
	}
}

// TestClientMessagesAreIgnored: in raw mode a client may send what it likes within the limits, pings are answered, and ticks go on.
func TestClientMessagesAreIgnored(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed-interval": "50ms"}})
	c := openWS(t, "ws://"+g.Addr+"/ws")
	c.send(ws.NewTextFrame([]byte("hello")))
	c.send(ws.NewFrame(ws.OpText, false, []byte("in ")))
	c.send(ws.NewPingFrame([]byte("between")))
	c.send(ws.NewFrame(ws.OpContinuation, true, []byte("parts")))
	c.send(ws.NewPongFrame([]byte("unasked")))
	eventually(t, patience, "pong", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.pongs) == 1 && c.pongs[0] == "between"
	})
	checkTicks(t, c.wait(t, len(c.seen())+5))
}

// TestHandshakeWithFrames: frames that arrive in the same segment as the request head are not lost.
func TestHandshakeWithFrames(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed": "none"}})
	conn := dialRaw(t, g.Addr)
	ping := ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte("early"))))
	write(t, conn, "GET /ws HTTP/1.1\r\nHost: "+g.Addr+"\r\n"+upgrade+"\r\n"+string(ping))
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), "\x8a\x05early") {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("got %q and then %v, want 101 and a pong", got.String(), err)
		}
		got.Write(buf[:n])
	}
}

// TestHeartbeat: idle clients hear from the gateway; those that do not answer a ping are closed, the others stay.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	trial.Grow(t, time.Second, func(t testing.TB, beat time.Duration) {
		g := startGateway(t, setup{flags: map[string]string{"feed": "none", "heartbeat": beat.String()}})
		stream := openSSE(t, "http://"+g.Addr+"/sse", nil)
		polite := openWS(t, "ws://"+g.Addr+"/ws")
		mute := openMuteWS(t, "ws://"+g.Addr+"/ws")
		eventually(t, patience, "two comments and two pings", func() bool {
			_, comments := stream.hints()
			polite.mu.Lock()
			defer polite.mu.Unlock()
			return comments >= 2 && polite.pings >= 2
		})
		select {
		case <-mute.done:
		case <-time.After(2 * patience):
			t.Errorf("a client that answers no ping is still connected after two minutes with a heartbeat of %v", beat)
		}
		if over, err := stream.ended(); over {
			t.Errorf("the SSE stream ended: %v", err)
		}
		select {
		case <-polite.done:
			t.Errorf("the client that answers pings was closed: %v", polite.err)
		default:
		}
	})
}

// TestVanishedClients: connections whose clients are gone are cleaned up, whether they said goodbye, reset or only half-closed.
func TestVanishedClients(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	keep := openSSE(t, "http://"+g.Addr+"/sse", nil)
	keep.wait(t, 1)
	before := sockets(g.pid())
	for i := range 30 {
		conn := dialRaw(t, g.Addr)
		write(t, conn, "GET /sse HTTP/1.1\r\nHost: "+g.Addr+"\r\n\r\n")
		if _, err := conn.Read(make([]byte, 512)); err != nil {
			t.Fatal(err)
		}
		end(t, conn, i%2 == 0)
	}
	eventually(t, patience, "return to the descriptors of before", func() bool { return sockets(g.pid()) <= before })
	keep.wait(t, len(keep.seen())+2)
}

// end closes the connection, with a reset if asked.
func end(t testing.TB, conn *net.TCPConn, reset bool) {
	t.Helper()
	if reset {
		if err := conn.SetLinger(0); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
