package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestCompression: clients that offer permessage-deflate get each tick in a fraction of its bytes, and unharmed.
func TestCompression(t *testing.T) {
	t.Parallel()
	const padded, ticks = 2000, 10
	g := startGateway(t, setup{flags: map[string]string{"compress": "true", "payload-bytes": "2000"}})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, mode := range []websocket.CompressionMode{websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover} {
		c, resp, err := websocket.Dial(ctx, "ws://"+g.Addr+"/ws", &websocket.DialOptions{CompressionMode: mode})
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
			t.Errorf("got extensions %q, want permessage-deflate", got)
		}
		var got []string
		for len(got) < ticks {
			_, payload, err := c.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(payload) != padded {
				t.Errorf("got %d bytes, want %d", len(payload), padded)
			}
			got = append(got, string(payload))
		}
		checkTicks(t, got)
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
	if sent := sum(g.scrape(t), "tickgate_sent_bytes_total", ""); sent > 2*(ticks+10)*padded/4 {
		t.Errorf("got %.0f bytes sent for about %d ticks of %d, want a quarter at most", sent, 2*ticks, padded)
	}
}

// TestCompressionWithNode: Node's ws, which offers what every browser offers.
func TestCompressionWithNode(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"compress": "true", "payload-bytes": "2000"}})
	checkTicks(t, nodeClient(t, g, "permessage-deflate"))
}

// TestNoCompressionByDefault: what is offered is not taken.
func TestNoCompressionByDefault(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	c, resp, err := websocket.Dial(t.Context(), "ws://"+g.Addr+"/ws", &websocket.DialOptions{CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if got := resp.Header.Values("Sec-WebSocket-Extensions"); len(got) > 0 || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("got status %d and extensions %q, want none", resp.StatusCode, got)
	}
}
