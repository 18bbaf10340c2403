package main

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// feed is a push server whose ticks are a function of the clock, so that all clients get the same.
type feed struct {
	*httptest.Server
	interval time.Duration
	start    time.Time
	done     chan struct{}
	skip     uint64 // numbers divisible by it are not sent; 0: none
	stall    int64  // every second client gets only so many ticks; 0: all
	clients  atomic.Int64
	metrics  string // answer to /metrics
	admit    func() // called before each client is answered; nil: nothing
	asked    func() // called for each look at /metrics; nil: nothing
}

func newFeed(t testing.TB, interval time.Duration, options ...func(*feed)) *feed {
	t.Helper()
	f := &feed{interval: interval, start: time.Now(), done: make(chan struct{})}
	for _, option := range options {
		option(f)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/sse", f.sse)
	mux.HandleFunc("/ws", f.ws)
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>hello</h1>") })
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		call(f.asked)
		fmt.Fprint(w, f.metrics)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(f.done)
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func call(f func()) {
	if f != nil {
		f()
	}
}

// serve sends ticks until the client or the server is gone.
func (f *feed) serve(gone <-chan struct{}, send func(string) error) {
	left := int64(math.MaxInt64)
	if f.clients.Add(1)%2 == 0 && f.stall > 0 {
		left = f.stall
	}
	for seq := uint64(time.Since(f.start)/f.interval) + 1; ; seq++ {
		due := f.start.Add(time.Duration(seq) * f.interval)
		select {
		case <-time.After(time.Until(due)):
		case <-gone:
			return
		case <-f.done:
			return
		}
		if left--; left < 0 || f.skip > 0 && seq%f.skip == 0 {
			continue
		}
		if send(fmt.Sprintf(`{"sym":"ACME","price":1.25,"seq":%d,"ts":%d}`, seq, due.UnixNano())) != nil {
			return
		}
	}
}

func (f *feed) sse(w http.ResponseWriter, r *http.Request) {
	call(f.admit)
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	_ = flusher.Flush()
	f.serve(r.Context().Done(), func(tick string) error {
		_, _ = fmt.Fprintf(w, "data: %s\n\n", tick)
		return flusher.Flush()
	})
}

func (f *feed) ws(w http.ResponseWriter, r *http.Request) {
	call(f.admit)
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	ctx := c.CloseRead(r.Context())
	f.serve(ctx.Done(), func(tick string) error { return c.Write(ctx, websocket.MessageText, []byte(tick)) })
}
