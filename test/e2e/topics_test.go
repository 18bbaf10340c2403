package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// posted is a message as it was published.
type posted struct{ topic, id, payload string }

// post publishes messages to the topics in turn and returns them.
func post(t testing.TB, g *gateway, n int, topics ...string) []posted {
	t.Helper()
	list := make([]posted, n)
	for i := range list {
		p := posted{topic: topics[i%len(topics)], payload: fmt.Sprintf("%s %d", topics[i%len(topics)], i)}
		status, r := publish(t, g, p.topic, p.payload, nil)
		if status != http.StatusOK {
			t.Fatalf("publish to %s: got status %d", p.topic, status)
		}
		p.id = r.ID
		list[i] = p
	}
	return list
}

// of returns the messages of some topics.
func of(list []posted, topics ...string) (some []posted) {
	for _, p := range list {
		if slices.Contains(topics, p.topic) {
			some = append(some, p)
		}
	}
	return some
}

// expect checks that a stream brings exactly these messages, in this order, and nothing else before them.
func (s *sse) expect(t testing.TB, what string, want []posted) {
	t.Helper()
	events := s.wait(t, len(want))
	for i, p := range want {
		if events[i].id != p.id || events[i].data != p.payload || events[i].kind != "" {
			t.Fatalf("%s: event %d: got %+v, want %+v", what, i, events[i], p)
		}
	}
}

// TestTopics: clients with several topics and patterns get each message once and in the order in which it was published,
// also across reconnects, whichever worker they come to.
func TestTopics(t *testing.T) {
	t.Parallel()
	queries := []struct {
		name, query string
		topics      []string
	}{
		{"one topic", "topic=price.A", []string{"price.A"}},
		{"two topics", "topic=price.A&topic=fx.EUR", []string{"price.A", "fx.EUR"}},
		{"wildcard", "topic=price.*", []string{"price.A", "price.B"}},
		{"wildcard for the rest", "topic=price.%3E", []string{"price.A", "price.B", "price.B.bid"}},
		{"wildcard and topic", "topic=fx.*&topic=price.B.bid", []string{"fx.EUR", "price.B.bid"}},
		{"overlap", "topic=price.*&topic=*.A&topic=price.A", []string{"price.A", "price.B"}},
		{"everything", "topic=%3E", []string{"price.A", "price.B", "price.B.bid", "fx.EUR"}},
	}
	all := []string{"price.A", "price.B", "fx.EUR", "price.B.bid"}
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "workers": workers, "policy": "all"}})
			early := make([]*sse, len(queries)) // before there is any such topic
			for i, q := range queries {
				early[i] = openSSE(t, "http://"+g.Addr+"/sse?"+q.query, nil)
			}
			first := post(t, g, 40, all...)
			for i, q := range queries {
				early[i].expect(t, q.name, of(first, q.topics...))
				early[i].close()
			}
			later := append(first, post(t, g, 40, all...)...)
			for _, q := range queries {
				want := of(later, q.topics...)
				for _, seen := range []int{1, 5, len(want) - 1} {
					header := http.Header{"Last-Event-ID": {want[seen-1].id}}
					s := openSSE(t, "http://"+g.Addr+"/sse?"+q.query, header)
					s.expect(t, fmt.Sprintf("%s, resumed behind %d", q.name, seen), want[seen:])
					s.close()
				}
				last := openSSE(t, "http://"+g.Addr+"/sse?last=2&"+q.query, nil)
				last.expect(t, q.name+", the newest two of each", newestOfEach(want, 2))
			}
		})
	}
}

// newestOfEach returns the newest n messages of each topic.
func newestOfEach(list []posted, n int) (newest []posted) {
	for i, p := range list {
		if len(of(list[i+1:], p.topic)) < n {
			newest = append(newest, p)
		}
	}
	return newest
}

// TestQuietTopicsAfterARestart: the newest message of a topic is there after a restart however much came after it to others,
// and who has seen the one before it is told of no gap.
func TestQuietTopicsAfterARestart(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			flags := map[string]string{"data": t.TempDir(), "feed": "none", "workers": workers, "ring": "2", "policy": "all"}
			g := startGateway(t, setup{flags: flags})
			quiet := post(t, g, 2, "quiet.a")
			busy := post(t, g, 200, "busy.a", "busy.b")
			g.kill(t)
			again := startGateway(t, setup{flags: flags})
			url := "http://" + again.Addr + "/sse?topic="
			openSSE(t, url+"quiet.*&last=1", nil).expect(t, "the newest message", quiet[1:])
			resumed := openSSE(t, url+"quiet.a", http.Header{"Last-Event-ID": {quiet[0].id}})
			both := openSSE(t, url+"quiet.a&topic=busy.a&last=1", nil)
			both.expect(t, "quiet and busy", []posted{quiet[1], busy[198]})
			resumed.expect(t, "resumed", append(quiet[1:], post(t, again, 1, "quiet.a")...))
			events := openSSE(t, url+"busy.a", http.Header{"Last-Event-ID": {busy[0].id}}).wait(t, 2)
			if events[0].kind != "gap" || events[1].id != busy[196].id {
				t.Errorf("busy topic, resumed at the beginning: got %+v, want a gap and %+v", events, busy[196])
			}
		})
	}
}

// TestTopicLimits: what is not a pattern is refused, and so is more than a connection may have.
func TestTopicLimits(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"max-topics": "2"}})
	for query, code := range map[string]string{
		"topic=a..b": "bad_topic", "topic=a.%3E.b": "bad_topic", "topic=a*": "bad_topic", "topic=" + strings.Repeat("a", 201): "bad_topic",
		"topic=a&topic=b.*&topic=c": "too_many_topics",
	} {
		resp, err := http.Get("http://" + g.Addr + "/sse?" + query)
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 1024)
		n, _ := resp.Body.Read(body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body[:n]), `"`+code+`"`) {
			t.Errorf("%s: got %d %s, want 400 and %s", query, resp.StatusCode, body[:n], code)
		}
	}
}

// TestTopicRules changes the settings of topics while clients are connected: nobody is dropped, and the new settings hold.
func TestTopicRules(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "gateway.yaml")
			rewrite(t, path, "ring: 100\n")
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "workers": workers, "policy": "all", "config": path}})
			url := "http://" + g.Addr + "/sse?topic=short.a&topic=long.*"
			s := openSSE(t, url, nil)
			list := post(t, g, 20, "short.a", "long.a")
			s.wait(t, len(list)) // so that the smaller ring leaves nobody behind
			rewrite(t, path, "ring: 100\ntopic-rules:\n  - short.* ring=2\n  - closed.> publish=none\n")
			g.signal(t, syscall.SIGHUP)
			eventually(t, patience, "new settings", func() bool { return strings.Contains(g.log.String(), "settings of topics read again") })
			if status, _ := publish(t, g, "closed.a", "x", nil); status != http.StatusForbidden {
				t.Errorf("publish to a topic that a new rule has closed: got status %d, want 403", status)
			}
			rewrite(t, path, "ring: no\n")
			g.signal(t, syscall.SIGHUP)
			eventually(t, patience, "complaint about bad settings", func() bool { return strings.Contains(g.log.String(), "settings stay as they are") })
			list = append(list, post(t, g, 2, "short.a", "long.a")...)
			s.expect(t, "open stream", list)
			eventually(t, patience, "gap in the short topic", func() bool {
				events := openSSE(t, url, http.Header{"Last-Event-ID": {list[0].id}}).wait(t, 13)
				return events[0].kind == "gap" && strings.Contains(events[0].data, "short.a") && events[1].kind == ""
			})
			long := openSSE(t, "http://"+g.Addr+"/sse?topic=long.*", http.Header{"Last-Event-ID": {list[0].id}})
			long.expect(t, "the other topic", of(list, "long.a"))
		})
	}
}

// TestRulesRestrictEnvelopes: publish= in a rule holds for clients that publish by envelope, in the worker that they are
// connected to, and for those that are connected when it changes.
func TestRulesRestrictEnvelopes(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "gateway.yaml")
			rewrite(t, path, "topic-rules:\n  - chat.news publish=tokens\n")
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "workers": workers, "loops": "1", "open-publish": "chat.>", "config": path}})
			var clients []*envelopeClient
			for range 6 { // so that all workers have some, almost always
				clients = append(clients, openEnvelope(t, "ws://"+g.Addr+"/ws"))
			}
			for _, c := range clients {
				c.publishes(t, "chat.room", "ok")
				c.publishes(t, "chat.news", "forbidden")
			}
			rewrite(t, path, "topic-rules:\n  - chat.news publish=tokens|anonymous\n  - chat.room publish=none\n")
			g.signal(t, syscall.SIGHUP)
			eventually(t, patience, "new settings", func() bool { return strings.Contains(g.log.String(), "settings of topics read again") })
			for _, c := range clients {
				c.publishes(t, "chat.room", "forbidden")
				c.publishes(t, "chat.news", "ok")
			}
		})
	}
}

// publishes publishes a message and checks that the answer is ok, or an error of that code.
func (c *envelopeClient) publishes(t testing.TB, topic, want string) {
	t.Helper()
	if err := c.send(map[string]any{"t": "pub", "ref": 1, "topic": topic, "data": 1}); err != nil {
		t.Fatal(err)
	}
	if e, err := c.next(); err != nil || e.T != want && e.Code != want {
		t.Errorf("publish to %s: got %+v, %v, want %s", topic, e, err, want)
	}
}

func rewrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
