package session

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
)

// TestStart: where a session begins, by policy and by what the client asks for. Ten messages have been published, of
// which the ring holds the newest eight.
func TestStart(t *testing.T) {
	gap := func(requested string) string {
		return fmt.Sprintf("event: gap\ndata: {\"requested\":%q,\"oldest\":\"e-3\",\"topic\":\"ticks\"}\n", requested)
	}
	events := func(from, to int) (list []string) {
		for n := from; n <= to; n++ {
			list = append(list, fmt.Sprintf("id: e-%d\ndata: %d\n", n, n))
		}
		return list
	}
	with := func(first string, rest []string) []string { return append([]string{first}, rest...) }
	tests := []struct {
		name, query, field string
		policy             []hub.Policy // nil: the same for all
		want               []string
	}{
		{"nothing, latest", "", "", []hub.Policy{hub.Latest}, events(10, 10)},
		{"nothing, all", "", "", []hub.Policy{hub.All}, nil},
		{"none", "?last=0", "", nil, nil},
		{"last", "?last=3", "", nil, events(8, 10)},
		{"more than there is", "?last=100", "", nil, events(3, 10)},
		{"field", "", "Last-Event-ID: e-7", nil, events(8, 10)},
		{"parameter", "?lastEventId=e-7", "", nil, events(8, 10)},
		{"parameter, escaped", "?lastEventId=%65-7", "", nil, events(8, 10)},
		{"since", "?since=e-7", "", nil, events(8, 10)},
		{"field before parameter", "?lastEventId=e-4", "Last-Event-ID: e-8", nil, events(9, 10)},
		{"field before last", "?last=8", "Last-Event-ID: e-8", nil, events(9, 10)},
		{"empty field", "?last=2", "Last-Event-ID:", nil, events(9, 10)},
		{"newest", "", "Last-Event-ID: e-10", nil, nil},
		{"oldest that needs no gap", "", "Last-Event-ID: e-2", nil, events(3, 10)},
		{"too old", "", "Last-Event-ID: e-1", nil, with(gap("e-1"), events(3, 10))},
		{"before all", "?lastEventId=e-0", "", nil, with(gap("e-0"), events(3, 10))},
		{"another epoch", "", "Last-Event-ID: other-9", nil, with(gap("other-9"), events(3, 10))},
		{"not an id", "?lastEventId=%22quoted%22", "", nil, with(gap(`"quoted"`), events(3, 10))},
		{"far ahead", "", "Last-Event-ID: e-999999999", nil, with(gap("e-999999999"), events(3, 10))},
		{"long", "", "Last-Event-ID: " + text(4000), nil, with(gap(text(maxQuote)), events(3, 10))},
	}
	for _, policy := range []hub.Policy{hub.Latest, hub.All} {
		for _, tt := range tests {
			if tt.policy != nil && tt.policy[0] != policy {
				continue
			}
			t.Run(policy.String()+"/"+tt.name, func(t *testing.T) {
				g := serve(t, Config{}, hub.TopicConfig{Policy: policy, RingSize: 8})
				for n := 1; n <= 10; n++ {
					g.publish(fmt.Sprint(n))
				}
				var fields []string
				if tt.field != "" {
					fields = append(fields, tt.field)
				}
				stream := g.sse("/sse"+tt.query, fields...)
				for _, want := range tt.want {
					stream.event(want)
				}
				socket := g.ws("/ws" + tt.query)
				if len(fields) == 0 { // which a browser's WebSocket cannot set
					checkRaw(socket, tt.want)
				}
				g.publish("11")
				stream.event(events(11, 11)[0])
				if len(fields) == 0 {
					checkRaw(socket, events(11, 11))
				}
			})
		}
	}
}

// TestRawModeIsToldOfGaps: a client in raw mode learns from the answer to its handshake that what it asked for is not all held any more.
func TestRawModeIsToldOfGaps(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All, RingSize: 2})
	for seq := uint64(1); seq <= 10; seq++ {
		g.hub.Publish(hub.Publication{Seq: seq, Topic: []string{"a", "b"}[seq%2], Payload: []byte("x")})
	}
	for query, want := range map[string]string{
		"?topic=a&topic=b&since=e-1": "2", "?topic=a&since=other-1": "1", "?topic=a&topic=b&since=e-8": "", "?topic=a&last=9": "",
	} {
		c := g.dial()
		c.write(request("/ws"+query, upgrade...))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Tickgate-Gap"); got != want || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%s: got status %d and Tickgate-Gap %q, want 101 and %q", query, resp.StatusCode, got, want)
		}
		if c.frame().op != ws.OpText {
			t.Errorf("%s: got no message behind the answer", query)
		}
	}
}

// checkRaw checks that a WebSocket session gets the same messages, but not what has no place in raw mode.
func checkRaw(c *client, events []string) {
	c.t.Helper()
	for _, e := range events {
		if _, payload, ok := strings.Cut(e, "\ndata: "); ok && strings.HasPrefix(e, "id: ") {
			c.expect(ws.OpText, strings.TrimSuffix(payload, "\n"))
		}
	}
}

// A client that comes back again and again while messages are published gets each exactly once, on either policy as long
// as the ring holds them.
func TestReconnectsLoseNothing(t *testing.T) {
	for _, policy := range []hub.Policy{hub.Latest, hub.All} {
		t.Run(policy.String(), func(t *testing.T) {
			const messages = 2000
			g := serve(t, Config{}, hub.TopicConfig{Policy: policy, RingSize: messages})
			g.publish("1")
			done := make(chan struct{})
			go func() {
				defer close(done)
				for n := 2; n <= messages; n++ {
					g.publish(fmt.Sprint(n))
				}
			}()
			defer await(t, done, "the publisher's end")
			for next, id := 1, "e-0"; next <= messages; {
				c := g.dial().open(request("/sse?last=0", "Last-Event-ID: "+id), http.StatusOK)
				c.retry()
				for stop := min(next+97, messages); next <= stop; next++ {
					id = fmt.Sprintf("e-%d", next)
					want := fmt.Sprintf("id: %s\ndata: %d\n", id, next)
					if got := c.block(); got != want && policy == hub.All {
						t.Fatalf("got %q, want %q", got, want)
					} else if got != want {
						// A client that has caught up is served by passes, which may skip.
						var n int
						if _, err := fmt.Sscanf(got, "id: e-%d\n", &n); err != nil || n < next {
							t.Fatalf("got %q, want a message from %d on", got, next)
						}
						next, id = n, fmt.Sprintf("e-%d", n)
					}
				}
				_ = c.Close()
			}
		})
	}
}

// A client may come from a node that was ahead of this one: it gets nothing twice.
func TestResumeAhead(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All})
	g.publish("1")
	c := g.sse("/sse", "Last-Event-ID: e-3")
	g.subscribed(1)
	for n := 2; n <= 5; n++ {
		g.publish(fmt.Sprint(n))
	}
	c.event("id: e-4\ndata: 4\n")
	c.event("id: e-5\ndata: 5\n")
}

// When the stream itself has lost messages, every subscriber of an all topic is told and comes back, and whoever resumes
// from before is told too.
func TestGapInTheStream(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All})
	stream, socket := g.sse("/sse"), g.ws("/ws")
	g.subscribed(2)
	g.publish("1")
	stream.event("id: e-1\ndata: 1\n")
	socket.expect(ws.OpText, "1")
	g.send(hub.Publication{Seq: 9, Payload: []byte("9"), Gap: true})
	stream.event("event: gap\ndata: {\"requested\":\"\",\"oldest\":\"e-9\",\"topic\":\"ticks\"}\n")
	stream.retry()
	stream.end()
	if code, _ := socket.closeFrame(); code != 4008 {
		t.Errorf("got close code %d, want 4008", code)
	}
	again := g.sse("/sse", "Last-Event-ID: e-1")
	again.event("event: gap\ndata: {\"requested\":\"e-1\",\"oldest\":\"e-9\",\"topic\":\"ticks\"}\n")
	again.event("id: e-9\ndata: 9\n")
}
