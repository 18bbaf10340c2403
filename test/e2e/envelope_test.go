package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// envelope is what a client of tickgate.v1 gets.
type envelope struct {
	T, ID, Late, Topic, Code, Message string
	Ref, Topics                       int
	Duplicate                         bool
	Data                              json.RawMessage
}

// envelopeClient is a client of tickgate.v1 by a library that is not ours.
type envelopeClient struct {
	*websocket.Conn
	ctx context.Context
}

func openEnvelope(t testing.TB, url string) *envelopeClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"tickgate.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	if c.Subprotocol() != "tickgate.v1" {
		t.Fatalf("got subprotocol %q, want tickgate.v1", c.Subprotocol())
	}
	return &envelopeClient{c, ctx}
}

func (c *envelopeClient) send(command any) error { return wsjson.Write(c.ctx, c.Conn, command) }

func (c *envelopeClient) next() (e envelope, err error) {
	err = wsjson.Read(c.ctx, c.Conn, &e)
	return e, err
}

// member is a chatting client: it publishes n messages and reads until it has got all, of everybody. It returns the ids of
// the room's messages, in the order in which they came.
func (c *envelopeClient) member(number, n, all int) (ids []string, err error) {
	if err := c.send(map[string]any{"t": "sub", "ref": 0, "topics": []string{"chat.room"}}); err != nil {
		return nil, err
	}
	var sent, stored int
	for ready := false; len(ids) < all || stored < n; {
		e, err := c.next()
		switch {
		case err != nil:
			return ids, fmt.Errorf("member %d after %d messages, %d stored: %w", number, len(ids), stored, err)
		case e.T == "ok" && e.Ref == 0:
			ready = e.Topics == 1
		case e.T == "ok":
			stored++
		case e.T == "msg" && e.Topic == "chat.room":
			ids = append(ids, e.ID)
		default:
			return ids, fmt.Errorf("member %d: got %+v", number, e)
		}
		for ready && sent < n && sent < stored+10 { // no faster than --max-inbound-rate lets it in the long run
			sent++
			command := map[string]any{"t": "pub", "ref": sent, "topic": "chat.room", "data": fmt.Sprint(number, "/", sent), "msgid": fmt.Sprint(number, "/", sent)}
			if err := c.send(command); err != nil {
				return ids, err
			}
		}
	}
	return ids, nil
}

// TestEnvelopeChat lets clients on two workers talk to one another: all get all messages once, and in one order.
func TestEnvelopeChat(t *testing.T) {
	t.Parallel()
	const members, each = 12, 20
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1", "feed": "none", "open-publish": "chat.>"}})
	var clients []*envelopeClient
	for range members {
		c := openEnvelope(t, "ws://"+g.Addr+"/ws?topic=nothing")
		if err := c.send(map[string]any{"t": "unsub", "ref": 0, "topics": []string{"nothing"}}); err != nil {
			t.Fatal(err)
		}
		if e, err := c.next(); err != nil || e.T != "ok" || e.Topics != 0 {
			t.Fatalf("unsub: got %+v, %v", e, err)
		}
		if err := c.send(map[string]any{"t": "sub", "ref": 0, "topics": []string{"chat.room"}}); err != nil {
			t.Fatal(err)
		}
		if e, err := c.next(); err != nil || e.T != "ok" || e.Topics != 1 {
			t.Fatalf("sub: got %+v, %v", e, err)
		}
		clients = append(clients, c)
	}
	heard, errs := make([][]string, members), make([]error, members)
	var talking sync.WaitGroup
	for i, c := range clients {
		talking.Go(func() { heard[i], errs[i] = c.member(i, each, members*each) })
	}
	talking.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(heard[i], " "), strings.Join(heard[0], " "); got != want {
			t.Fatalf("member %d heard %s, member 0 %s", i, got, want)
		}
	}
	seen := map[string]bool{}
	for _, id := range heard[0] {
		if seen[id] {
			t.Errorf("got %s twice", id)
		}
		seen[id] = true
	}
	page := g.scrape(t)
	if got := sum(page, "tickgate_bus_publishes_total"); got != members*each {
		t.Errorf("tickgate_bus_publishes_total: got %v, want %d", got, members*each)
	}
	if got := sum(page, "tickgate_commands_total"); got != members*(each+3) {
		t.Errorf("tickgate_commands_total: got %v, want %d", got, members*(each+3))
	}
}

// TestChromiumEnvelope lets a page in a real browser subscribe, publish and unsubscribe.
func TestChromiumEnvelope(t *testing.T) {
	t.Parallel()
	chromium := need(t, "chromium")
	g := startGateway(t, setup{flags: map[string]string{"feed": "none", "open-publish": "chat.>"}})
	transcript := make(chan []string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "chromium_envelope_page.html") })
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var lines []string
		if err := json.NewDecoder(r.Body).Decode(&lines); err != nil {
			t.Errorf("the page's report: %v", err)
		}
		transcript <- lines
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	browse(t, chromium, server.URL+"/page?gateway="+g.Addr)
	select {
	case lines := <-transcript:
		want := []string{
			"open tickgate.v1", "ok 1 topics 2", "msg chat.1 say {\"text\":\"hello\"}", "ok 2 false", "ok 3 true", "ok 4 topics 1",
			"error 5 forbidden", "close 1000",
		}
		if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	case <-time.After(2 * patience):
		t.Fatal("got no report from the page within two minutes")
	}
}
