package session

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
)

// stalled is a gateway whose hub makes no views until the test lets it.
type stalled struct {
	*gateway
	release func()
}

// serveStalled runs a gateway with the topics ticks and price.A whose hub is held up: whoever changes topics or views waits.
func serveStalled(t *testing.T, cfg Config) stalled {
	t.Helper()
	held, hold := make(chan struct{}), make(chan struct{})
	h := hub.New(hub.Config{Epoch: "e", MaxViews: 3, Topic: func(name string) hub.TopicConfig {
		if name == "stall" {
			close(held)
			<-hold
		}
		return hub.TopicConfig{Policy: hub.All}
	}})
	g := serveHub(t, cfg, h)
	for _, name := range []string{"ticks", "price.A"} {
		g.send(hub.Publication{Topic: name, Payload: []byte("1")})
	}
	var stalling sync.WaitGroup
	stalling.Go(func() { h.Topic("stall") })
	release := sync.OnceFunc(func() { close(hold); stalling.Wait() })
	t.Cleanup(release)
	await(t, held, "the stall")
	return stalled{g, release}
}

// waits waits until n connections wait for views.
func (g stalled) waits(n int) {
	g.t.Helper()
	g.eventually(fmt.Sprint(n, " that wait"), func(*Snapshot) bool {
		got := 0
		g.do(func() { got = len(g.waiting) + len(g.envelopes.aside) })
		return got == n
	})
}

// While a pattern is being opened, its clients wait and nobody else does: the loop goes on.
func TestOpeningPatternsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	g := serveStalled(t, Config{})
	first, second := g.dial(), g.dial()
	first.write(request("/sse?topic=price.*&last=1"))
	second.write(request("/sse?topic=*.A&topic=ticks&topic=price.*&last=1"))
	g.waits(2)
	other := g.envelope("/ws?topic=ticks")
	other.does(`{"t":"sub","ref":1,"topics":["price.*"],"last":1}`) // answered later
	other.does(`{"t":"unsub","ref":2,"topics":["ticks"]}`)          // behind the one before
	g.waits(3)
	other.does(`{"t":"auth","ref":3,"token":"x"}`, `{"t":"error","ref":3,"code":"unsupported","message":"this gateway asks for no tokens"}`)
	g.release()
	other.hears(`{"t":"ok","ref":1,"topics":2,"id":"e-2"}`)
	other.hears(`{"t":"ok","ref":2,"topics":1}`)
	other.hears(msg("price.A", 2, "1"))
	first.open("", http.StatusOK).retry()
	first.event("id: e-2\ndata: 1\n")
	second.open("", http.StatusOK).retry()
	second.event("id: e-1\ndata: 1\n")
	second.event("id: e-2\ndata: 1\n")
	g.subscribed(5)
}

// Clients that go, and those that waited too long, leave nothing behind; commands that wait are bounded.
func TestOpeningPatternsTakesTooLong(t *testing.T) {
	t.Parallel()
	g := serveStalled(t, Config{HeaderTimeout: 2 * time.Second})
	late, gone := g.dial(), g.envelope("/ws?topic=ticks")
	late.open(request("/sse?topic=price.*"), http.StatusServiceUnavailable)
	_ = late.Close()
	for n := range maxAside {
		gone.does(fmt.Sprintf(`{"t":"sub","ref":%d,"topics":["price.*"]}`, n))
	}
	gone.does(`{"t":"unsub","ref":99,"topics":["a"]}`, `{"t":"error","ref":99,"code":"busy","message":"too many commands wait for a pattern that is being opened; wait for an answer"}`)
	_ = gone.Close()
	g.eventually("the end of both", func(s *Snapshot) bool { return s.Loop.Conns == 0 })
	g.waits(0)
	patient := g.envelope("/ws?topic=ticks")
	for n, pattern := range []string{"a.*", "b.*"} {
		patient.does(fmt.Sprintf(`{"t":"sub","ref":%d,"topics":["%s"]}`, n, pattern))
	}
	g.waits(1)
	g.release()
	patient.hears(`{"t":"ok","ref":0,"topics":2,"id":"e-2"}`)
	patient.hears(`{"t":"ok","ref":1,"topics":3,"id":"e-2"}`)
	patient.does(`{"t":"sub","ref":2,"topics":["c.*"]}`, `{"t":"error","ref":2,"code":"too_many_patterns","message":"too many different patterns are subscribed to; come back later, or name topics"}`)
}

// Those whose pattern has been opened begin in slices, however many they are.
func TestBeginningIsSliced(t *testing.T) {
	g := serveStalled(t, Config{Sockets: epoll.Config{Slice: 4 * startCost}})
	const clients = 20
	var list []*client
	for range clients {
		c := g.dial()
		c.write(request("/sse?topic=price.*&last=1"))
		list = append(list, c)
	}
	g.waits(clients)
	g.release()
	for _, c := range list {
		c.open("", http.StatusOK).retry()
		c.event("id: e-2\ndata: 1\n")
	}
	g.do(func() {
		g.openings.ready = []int32{-1, -2, -3} // of nobody
		if used := g.goOn(startCost); used != startCost || len(g.openings.ready) != 2 {
			t.Errorf("got %d sends used and %d left, want %d and 2", used, len(g.openings.ready), startCost)
		}
		if used := g.goOn(2 * startCost); used != 2*startCost || g.openings.ready != nil {
			t.Errorf("got %d sends used and %v left, want %d and none", used, g.openings.ready, 2*startCost)
		}
	})
}
