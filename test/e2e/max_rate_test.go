package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestMaxRate: slow screens on event streams and in envelopes get fewer messages, each topic's last one among them, in order. What they do not get
// is counted, and who asks for everything gets it.
func TestMaxRate(t *testing.T) {
	t.Parallel()
	const messages = 300
	topics := []string{"price.A", "price.B", "orders"}
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "workers": workers, "policy": "all"}})
			everything := openSSE(t, "http://"+g.Addr+"/sse?topic=%3E", nil)
			single := openSSE(t, "http://"+g.Addr+"/sse?topic=price.A&topic=price.B&max_rate=5/s", nil)
			pattern := openSSE(t, "http://"+g.Addr+"/sse?topic=price.*&max_rate=5/s", nil)
			mixed := openEnvelope(t, "ws://"+g.Addr+"/ws?topic=orders")
			if err := mixed.send(map[string]any{"t": "sub", "ref": 1, "topics": []string{"price.*"}, "max_rate": "2/s"}); err != nil {
				t.Fatal(err)
			}
			if e, err := mixed.next(); err != nil || e.T != "ok" || e.Topics != 2 {
				t.Fatalf("got %+v, %v, want ok", e, err)
			}
			sent := post(t, g, messages, topics...)
			everything.expect(t, "who asks for everything", sent)

			last := map[string]string{}
			for _, p := range sent {
				last[p.topic] = p.payload
			}
			delivered := map[string]int{} // of the prices
			for _, s := range []*sse{single, pattern} {
				eventually(t, patience, "last message of each price", func() bool { return len(paced(t, s.seen(), last)) == 2 })
				for _, e := range s.seen() {
					delivered[topicOf(e.data)]++
				}
			}
			for _, e := range mixed.untilLast(t, last) {
				delivered[e.topic]++
			}
			for _, topic := range topics[:2] {
				want := 3*messages/len(topics) - delivered[topic]
				eventually(t, patience, fmt.Sprintf("%d messages of %s conflated", want, topic), func() bool {
					var page struct{ Conflated int }
					inspect(t, g, "/v1/topics/"+topic, &page)
					return page.Conflated == want
				})
			}
			if n := sum(g.scrape(t), "tickgate_skipped_messages_total") + sum(g.scrape(t), "tickgate_overruns_total"); n != 0 {
				t.Errorf("got %v clients that fell behind, want none: they asked for fewer messages", n)
			}
		})
	}
}

// untilLast reads messages until it has the last one of each topic, and returns those of the prices. The orders must all be there, in order, and ids
// ascend; what comes late has none.
func (c *envelopeClient) untilLast(t testing.TB, last map[string]string) (prices []posted) {
	t.Helper()
	var events []event
	var orders []int
	for len(paced(t, events, last)) < len(last) {
		e, err := c.next()
		if err != nil {
			t.Fatalf("behind %d messages: %v", len(events), err)
		}
		var payload string
		if err := json.Unmarshal(e.Data, &payload); err != nil || e.T != "msg" || (e.ID == "") == (e.Late == "") {
			t.Fatalf("got %+v (%v), want a message with an id or late", e, err)
		}
		events = append(events, event{id: e.ID, data: payload})
		if e.Topic == "orders" {
			orders = append(orders, numberOf(t, payload))
		} else {
			prices = append(prices, posted{topic: e.Topic})
		}
	}
	for i, n := range orders {
		if n != 3*i+2 || len(orders) != numberOf(t, last["orders"])/3+1 {
			t.Fatalf("got order %d as number %d of %d, want all in order", n, i, len(orders))
		}
	}
	return prices
}

// topicOf returns the topic that a payload of post names.
func topicOf(payload string) string {
	topic, _, _ := strings.Cut(payload, " ")
	return topic
}

// numberOf returns the number in a payload of post.
func numberOf(t testing.TB, payload string) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(payload, topicOf(payload)+" %d", &n); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	return n
}

// paced checks that the events of each topic ascend, and that their ids do where they have any. It returns the topics that have come to their last message.
func paced(t testing.TB, events []event, last map[string]string) map[string]bool {
	t.Helper()
	complete, before, id := map[string]bool{}, map[string]int{}, 0
	for _, e := range events {
		topic, n := topicOf(e.data), numberOf(t, e.data)+1
		if n <= before[topic] {
			t.Fatalf("got %q behind number %d", e.data, before[topic]-1)
		}
		before[topic] = n
		if e.id != "" {
			if n := sequence(t, e.id); n <= id {
				t.Fatalf("got id %s behind %d", e.id, id)
			} else {
				id = n
			}
		}
		complete[topic] = complete[topic] || e.data == last[topic]
	}
	for topic := range complete {
		if !complete[topic] {
			delete(complete, topic)
		}
	}
	return complete
}

func sequence(t testing.TB, id string) (n int) {
	t.Helper()
	_, digits, _ := strings.Cut(id, "-")
	if _, err := fmt.Sscan(digits, &n); err != nil {
		t.Fatalf("id %q: %v", id, err)
	}
	return n
}
