package session

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/hub"
	"tickgate/internal/trial"
)

// A burst reaches paced clients of all transports as a few messages in order, the last of which is the last of the burst. The
// others are counted, and nobody is closed for them, not even on an all topic with a short ring.
func TestPacedBurst(t *testing.T) {
	const messages, clients = 300, 4
	for _, policy := range policies {
		t.Run(policy.String(), func(t *testing.T) {
			g := serve(t, Config{}, hub.TopicConfig{Policy: policy, RingSize: messages})
			stream, socket, pattern, envelope := g.sse("/sse?max_rate=5/s"), g.ws("/ws?max_rate=5/s"), g.sse("/sse?topic=*&max_rate=5/s"), g.envelope("/ws")
			envelope.does(`{"t":"sub","ref":1,"topics":["ticks"],"max_rate":"5/s"}`, `{"t":"ok","ref":1,"topics":1,"id":"e-0"}`)
			g.subscribed(clients)
			for n := 1; n <= messages; n++ {
				g.publish(fmt.Sprint(n))
			}
			got := 0
			for _, c := range []*client{stream, pattern} {
				got += ascending(t, messages, func() string { return between(c.block(), "data: ", "\n") })
			}
			got += ascending(t, messages, func() string { _, text := socket.message(); return text })
			got += ascending(t, messages, func() string { _, text := envelope.message(); return between(text, `"data":`, "}") })
			g.do(func() {}) // what was skipped is counted behind the send
			if topic := g.hub.Topic("ticks"); int(topic.Conflated())+got != clients*messages {
				t.Errorf("got %d messages delivered and %d conflated, want %d in all", got, topic.Conflated(), clients*messages)
			}
			if s := g.hub.Stats(); int(s.Paced)+got != clients*messages || s.Behind != 0 {
				t.Errorf("got %d skipped for pace and %d otherwise, want all of them for pace", s.Paced, s.Behind)
			}
			if s := g.snapshot(); s.Fanout.Overruns != 0 {
				t.Errorf("got %d overruns, want none", s.Fanout.Overruns)
			}
		})
	}
}

// A ring that has long dropped what is withheld is no gap for a paced client of an all topic.
func TestPacedClientIsNotOverrun(t *testing.T) {
	const messages = 100
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All, RingSize: 2})
	c := g.sse("/sse?max_rate=5/s")
	g.subscribed(1)
	for n := 1; n <= messages; n++ {
		g.publish(fmt.Sprint(n))
	}
	got := ascending(t, messages, func() string { return between(c.block(), "data: ", "\n") })
	g.do(func() {}) // what was skipped is counted behind the send
	if n := g.hub.Topic("ticks").Conflated(); int(n)+got != messages {
		t.Errorf("got %d messages delivered and %d conflated, want %d in all", got, n, messages)
	}
}

// ascending reads messages up to the last one, and returns how many there were.
func ascending(t testing.TB, last int, next func() string) (n int) {
	t.Helper()
	for before := 0; before < last; n++ {
		var got int
		if _, err := fmt.Sscan(next(), &got); err != nil || got <= before {
			t.Fatalf("got message %d (%v) behind %d, want a later one", got, err, before)
		}
		before = got
	}
	return n
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

// A message that is withheld while another topic goes on comes later, and without an id, so that the client resumes behind
// the other topic's message.
func TestLateMessage(t *testing.T) {
	trial.Grow(t, time.Second, func(t testing.TB, unit time.Duration) {
		g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All})
		rate := fmt.Sprintf("%.3f/s", 1/unit.Seconds())
		c := g.envelope("/ws")
		c.does(`{"t":"sub","ref":1,"topics":["slow"],"max_rate":"`+rate+`"}`, `{"t":"ok","ref":1,"topics":1,"id":"e-0"}`)
		c.does(`{"t":"sub","ref":2,"topics":["fast"]}`, `{"t":"ok","ref":2,"topics":2,"id":"e-0"}`)
		g.send(hub.Publication{Topic: "slow", Payload: []byte("1")})
		c.hears(msg("slow", 1, "1"))
		for n, topic := range []string{"slow", "fast", "slow", "fast"} {
			g.send(hub.Publication{Topic: topic, Payload: fmt.Appendf(nil, "%d", n+2)})
		}
		c.hears(msg("fast", 3, "3"), msg("fast", 5, "5"), `{"t":"msg","topic":"slow","late":"e-4","data":4}`)
		g.do(func() {}) // what was skipped is counted behind the send
		if n := g.hub.Topic("slow").Conflated(); n != 1 {
			t.Errorf("conflated: got %d, want 1", n)
		}
		g.send(hub.Publication{Topic: "slow", Payload: []byte("6")})
		c.hears(msg("slow", 6, "6"))
	})
}

// Who comes back gets the newest message of each paced topic, without an id if it is not above the client's.
func TestPacedResume(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{Policy: hub.All, RingSize: 4})
	for n := 1; n <= 9; n++ {
		g.publish(fmt.Sprint(n))
	}
	g.send(hub.Publication{Topic: "other", Payload: []byte("10")})
	gap := "event: gap\ndata: {\"requested\":\"e-2\",\"oldest\":\"e-6\",\"topic\":\"ticks\"}\n"
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"?max_rate=1/m&since=e-7", []string{"id: e-9\ndata: 9\n"}},
		{"?max_rate=1/m&since=e-9", []string{"data: 9\n"}},
		{"?max_rate=1/m&since=e-10", []string{"data: 9\n"}},
		{"?max_rate=1/m&since=e-2", []string{gap, "id: e-9\ndata: 9\n"}},
		{"?max_rate=1/m&topic=*&since=e-9", []string{"data: 9\n", "id: e-10\ndata: 10\n"}},
		{"?max_rate=1/m&last=3", []string{"id: e-9\ndata: 9\n"}},
		{"?max_rate=1/m&topic=*&last=3", []string{"id: e-9\ndata: 9\n", "id: e-10\ndata: 10\n"}},
	} {
		t.Run(tt.query, func(t *testing.T) {
			g.t = t
			c := g.sse("/sse" + tt.query)
			for _, want := range tt.want {
				c.event(want)
			}
			_ = c.Close()
		})
	}
	g.t = t
	if n := g.hub.Topic("ticks").Conflated(); n != 0 {
		t.Errorf("conflated: got %d, want none: nobody had to skip what was there before", n)
	}
}

func TestBadMaxRate(t *testing.T) {
	g := serve(t, Config{}, hub.TopicConfig{})
	for _, value := range []string{"", "2", "0/s", "2000/s", "fast"} {
		c := g.dial()
		c.write(request("/sse?max_rate=" + value))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if want := "max_rate is " + value + " and not"; err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"bad_max_rate"`) || !strings.Contains(string(body), want) {
			t.Errorf("%q: got %d %s (%v), want 400 bad_max_rate: %s", value, resp.StatusCode, body, err, want)
		}
	}
	c := g.envelope("/ws")
	c.command(`{"t":"sub","ref":1,"topics":["ticks"],"max_rate":"2/h"}`)
	if got := c.frame(); got.op != ws.OpText || !strings.HasPrefix(got.payload, `{"t":"error","ref":1,"code":"bad_max_rate","message":"max_rate is 2/h and not a rate`) {
		t.Errorf("got %q, want bad_max_rate", got.payload)
	}
}
