package dashboard

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// public stands in for a public listener. It counts who reads, and ends a stream when told to.
type public struct {
	*httptest.Server
	readers atomic.Int64
	asked   chan string // the query and Last-Event-ID of each request
	say     chan string // events; "" ends the stream
}

func newPublic(t *testing.T) *public {
	t.Helper()
	p := &public{asked: make(chan string, 10), say: make(chan string, 10)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.readers.Add(1)
		defer p.readers.Add(-1)
		p.asked <- r.URL.RawQuery + " " + r.Header.Get("Last-Event-ID")
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case text := <-p.say:
				if text == "" {
					return
				}
				_, _ = fmt.Fprint(w, text)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *public) addr() string { return p.Listener.Addr().String() }

func TestPrices(t *testing.T) {
	listener := newPublic(t)
	base := start(t, listener.addr(), nobody)
	events := follow(t, base+"/v1/stats/stream", "")
	if got := <-listener.asked; got != "last=600 " {
		t.Errorf("got request %q, want the newest 600", got)
	}
	listener.say <- "retry: 5\n\nid: e-1\ndata: {\"sym\":\"ACME\",\"price\":99.5,\"ts\":1790000000123000000}\n\n:\n\nevent: gap\ndata: {}\n\n"
	if _, data := wait(t, events, "tick"); data != `{"time":1790000000123,"symbol":"ACME","price":99.5}` {
		t.Errorf("got %s, want the price with its own time", data)
	}
	listener.say <- "id: e-2\ndata: <b>hello</b>" + strings.Repeat("!", 1000) + "\n\n"
	_, data := wait(t, events, "tick")
	if p := decode[price](t, data); p.Price != nil || !strings.HasPrefix(p.Text, "<b>hello</b>!") || len(p.Text) != shownText {
		t.Errorf("got %s, want the beginning of a text without a price", data)
	}
	listener.say <- "" // as when its worker dies
	if _, data := wait(t, events, "notick"); !strings.Contains(data, "ended the stream") {
		t.Errorf("got %s, want why there is nothing", data)
	}
	if got := <-listener.asked; got != " e-2" {
		t.Errorf("got request %q, want to resume after e-2", got)
	}
}

// The public listener is read once for all pages, and by nobody when none is open.
func TestPricesOnlyWhileWatched(t *testing.T) {
	listener := newPublic(t)
	base := start(t, listener.addr(), nobody)
	for range 2 {
		t.Run("watched", func(t *testing.T) {
			one, other := follow(t, base+"/v1/stats/stream", ""), follow(t, base+"/v1/stats/stream", "")
			wait(t, one, "hello")
			wait(t, other, "hello")
			<-listener.asked
			if n := listener.readers.Load(); n != 1 {
				t.Errorf("got %d readers, want 1", n)
			}
		})
		for deadline := time.Now().Add(testPatience); listener.readers.Load() != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("somebody reads though nobody watches")
			}
		}
	}
}

func TestPricesRefused(t *testing.T) {
	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", http.StatusServiceUnavailable) }))
	defer refuse.Close()
	base := start(t, refuse.Listener.Addr().String(), nobody)
	_, data := wait(t, follow(t, base+"/v1/stats/stream", ""), "notick")
	if data != `"the public listener answers 503 Service Unavailable: full"` {
		t.Errorf("got %s, want status and reason", data)
	}
}

func TestBudget(t *testing.T) {
	var b budget
	now := time.UnixMilli(1_000_000)
	taken := func(n int) (through int) {
		for range n {
			if b.take(now) {
				through++
			}
		}
		return through
	}
	if got := taken(1000); got != tickHistory {
		t.Errorf("got %d through at once, want %d", got, tickHistory)
	}
	now = now.Add(10 * time.Second)
	if got := taken(1000); got != 10*tickRate {
		t.Errorf("got %d through after 10 s, want %d", got, 10*tickRate)
	}
}
