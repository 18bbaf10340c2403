package session

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tickgate/internal/hub"
)

// What an EventSource demands before it reads on: 200 and the media type; and CORS from another origin
// (WHATWG HTML §9.2.2). The stream has no length and no coding: it ends with the connection.
func TestStreamHead(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.dial()
	c.write(request("/sse", "Accept: text/event-stream", "Origin: http://shop.example", "Cache-Control: no-cache"))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %+v, %v, want 200", resp, err)
	}
	for field, want := range map[string]string{
		"Content-Type":                "text/event-stream; charset=utf-8",
		"Cache-Control":               "no-store",
		"X-Accel-Buffering":           "no",
		"Access-Control-Allow-Origin": "*",
		"Content-Encoding":            "",
	} {
		if got := resp.Header.Get(field); got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	if resp.ContentLength != -1 || len(resp.TransferEncoding) != 0 || !resp.Close {
		t.Errorf("got length %d, coding %q, close %t, want a body up to the end of the connection",
			resp.ContentLength, resp.TransferEncoding, resp.Close)
	}
	least, most := int(streamRetryLeast.Milliseconds()), int((streamRetryLeast + streamRetrySpread).Milliseconds())
	if ms := c.retry(); ms < least || ms > most {
		t.Errorf("retry: got %d ms, want %d to %d", ms, least, most)
	}
}

// Clients that are lost together, because the gateway crashed, come back one after the other.
func TestStreamsGetDifferentRetries(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	hints := map[int]bool{}
	for range 30 {
		c := g.dial().open(request("/sse"), http.StatusOK)
		hints[c.retry()] = true
	}
	if len(hints) < 25 { // of 4,001 possible ones
		t.Errorf("got %d different hints for 30 clients, want nearly as many", len(hints))
	}
}

func TestEvents(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	c := g.sse("/sse")
	g.subscribed(1)
	for i, tt := range []struct{ event, payload, want string }{
		{"", `{"price":101.25}`, "data: {\"price\":101.25}\n"},
		{"", "", "data: \n"},
		{"", "one\ntwo\r\nthree\rfour\n", "data: one\ndata: two\ndata: three\ndata: four\ndata: \n"},
		{"trade", "x", "event: trade\ndata: x\n"},
		{"tr\nade", "data: y", "event: trade\ndata: data: y\n"},
		{"", "über", "data: über\n"},
		{"", "\xff", "data: \uFFFD\n"},
		{"", text(70_000), "data: " + text(70_000) + "\n"},
	} {
		g.send(hub.Publication{Payload: []byte(tt.payload), Event: tt.event})
		c.event(fmt.Sprintf("id: e-%d\n%s", i+1, tt.want))
	}
}

// Both transports get every message, each in its own format.
func TestBothTransports(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	var streams, sockets []*client
	const each = 10
	for range each {
		streams, sockets = append(streams, g.sse("/sse")), append(sockets, g.ws("/ws"))
	}
	g.subscribed(2 * each)
	const messages = 50
	for n := range messages {
		payload := fmt.Sprintf(`{"n":%d}`, n)
		g.publish(payload)
		for i := range each {
			streams[i].event(fmt.Sprintf("id: e-%d\ndata: %s\n", n+1, payload))
			if _, got := sockets[i].message(); got != payload {
				t.Fatalf("socket %d: got %q, want %q", i, got, payload)
			}
		}
	}
	s := g.snapshot()
	if got, want := s.Fanout.Delivered, uint64(2*each*messages); got != want || s.Fanout.Conflated != 0 {
		t.Errorf("got %d delivered, %d conflated, want %d and none", got, s.Fanout.Conflated, want)
	}
	if s.Handshakes[SSE] != each || s.Handshakes[WebSocket] != each {
		t.Errorf("handshakes: got %v, want %d of each", s.Handshakes, each)
	}
}

// Several topics on one connection, each message once, although one topic is named twice.
func TestSeveralTopics(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	for _, topic := range []string{"price.A", "price.B", "fx"} {
		g.send(hub.Publication{Topic: topic, Payload: []byte("first of " + topic)})
	}
	c := g.sse("/sse?topic=price.A&topic=fx&topic=price.%41")
	g.subscribed(2)
	c.event("id: e-1\ndata: first of price.A\n")
	c.event("id: e-3\ndata: first of fx\n")
	for i := range 10 {
		for _, topic := range []string{"price.B", "ticks", "price.A", "fx"} {
			g.send(hub.Publication{Topic: topic, Payload: fmt.Append(nil, topic, i)})
			if topic == "price.A" || topic == "fx" {
				c.event(fmt.Sprintf("id: e-%d\ndata: %s%d\n", g.seq, topic, i))
			}
		}
	}
}

// Patterns and topics on one connection: each message once, in order, also of topics that come later; and the last id is
// enough to come back with.
func TestPatterns(t *testing.T) {
	for _, policy := range []hub.Policy{hub.Latest, hub.All} {
		t.Run(policy.String(), func(t *testing.T) {
			g := serve(t, Config{}, hub.TopicConfig{Policy: policy})
			topics := []string{"price.A", "price.B", "fx", "price.A.bid"}
			event := func(seq int) string { return fmt.Sprintf("id: e-%d\ndata: %s\n", seq, topics[seq%4]) }
			publish := func() { g.send(hub.Publication{Topic: topics[(g.seq+1)%4], Payload: []byte(topics[(g.seq+1)%4])}) }
			const query = "/sse?topic=price.*&topic=*.A&topic=fx&topic=price.A"
			c := g.sse(query)
			g.subscribed(4)
			for range 40 {
				publish()
				if seq := int(g.seq); seq%4 != 3 {
					c.event(event(seq))
				}
			}
			again := g.sse(query, "Last-Event-ID: e-17")
			for seq := 18; seq <= 40; seq++ {
				if seq%4 != 3 {
					again.event(event(seq))
				}
			}
			all := g.sse("/sse?topic=%3E&last=1")
			for seq := 37; seq <= 40; seq++ {
				all.event(event(seq))
			}
		})
	}
}

// Topics and patterns that clients bring into being are bounded.
func TestNoRoomForTopics(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	small := hub.New(hub.Config{Epoch: "e", MaxTopics: 4, MaxUnused: 2, MaxViews: 1})
	g.do(func() { g.cfg.Hub = small })
	keep := g.sse("/sse?topic=a&topic=b&topic=x.*")
	for query, code := range map[string]string{"topic=c": "no_room_for_topic", "topic=y.*": "too_many_patterns"} {
		c := g.dial()
		c.write(request("/sse?" + query))
		if got := c.rest(); !strings.Contains(got, " 503 ") || !strings.Contains(got, `"`+code+`"`) || !strings.Contains(got, "Retry-After: ") {
			t.Errorf("%s: got %q, want 503, %s and Retry-After", query, got, code)
		}
	}
	_ = keep
}

// An idle stream carries comments, which keep proxies from ending it, and nothing else.
func TestStreamHeartbeat(t *testing.T) {
	t.Parallel()
	g := serve(t, Config{Heartbeat: 200 * time.Millisecond}, hub.TopicConfig{})
	c := g.sse("/sse")
	for range 3 {
		c.event(":\n")
	}
}
