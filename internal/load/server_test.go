package load

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tickgate/internal/wire"
)

// peer is a test server's side of one client.
type peer struct {
	t         testing.TB
	transport Transport
	number    int // of the connection, from 0
	request   *http.Request
	write     func([]byte) error
	reads     *bufio.Reader // of a WebSocket
	conn      net.Conn      // of a WebSocket or a raw SSE stream
	done      <-chan struct{}
}

// tick is a payload due now.
func tick(seq int) string {
	return fmt.Sprintf(`{"sym":"ACME","price":1.5,"seq":%d,"ts":%d}`, seq, time.Now().UnixNano())
}

// send sends ticks with these numbers.
func (p *peer) send(seqs ...int) {
	for _, seq := range seqs {
		p.payload(tick(seq), fmt.Sprintf("e-%d", seq))
	}
}

func (p *peer) payload(text, id string) {
	if p.transport == WebSocket {
		p.raw(wire.AppendFrame(nil, wire.OpText, []byte(text)))
		return
	}
	p.raw(wire.AppendSSEEvent(nil, id, "", []byte(text)))
}

// raw sends bytes; a client that is gone is no error.
func (p *peer) raw(b []byte) { _ = p.write(b) }

// read returns the next whole frame of a WebSocket client, or what kind None says: that it is gone.
func (p *peer) read() wire.Part {
	var d wire.Decoder
	lim := wire.Limits{Server: true}
	for size := 1; ; size++ {
		b, err := p.reads.Peek(size)
		if err != nil {
			return wire.Part{}
		}
		whole := d // a copy: the decoder must not consume a piece of a payload
		part, n, err := whole.Next(slices.Clone(b), &lim)
		if err != nil {
			p.t.Error(err)
			return wire.Part{}
		}
		if part.Kind != wire.None && (part.Kind != wire.Data || part.Final) {
			_, _ = p.reads.Discard(n)
			return part
		}
	}
}

// stay blocks until the test ends or the client leaves.
func (p *peer) stay() {
	if p.conn != nil {
		_, _ = p.reads.WriteTo(discard{})
		return
	}
	select {
	case <-p.request.Context().Done():
	case <-p.done:
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// testServer is a push server that runs script for every client. rawSSE streams without chunks.
type testServer struct {
	*httptest.Server
	t      testing.TB
	script func(*peer)
	rawSSE bool
	// protocol is the subprotocol the server chooses.
	protocol string
	done     chan struct{}

	mu    sync.Mutex
	count int               // guarded by mu
	conns map[net.Conn]bool // guarded by mu
	serve sync.WaitGroup
}

func newServer(t testing.TB, script func(*peer), options ...func(*testServer)) *testServer {
	t.Helper()
	s := &testServer{t: t, script: script, done: make(chan struct{}), conns: make(map[net.Conn]bool)}
	for _, option := range options {
		option(s)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", s.ws)
	mux.HandleFunc("/sse", s.sse)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<h1>hello</h1>") })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.close)
	return s
}

// unchunked makes SSE streams end with their connection.
func unchunked(s *testServer) { s.rawSSE = true }

func (s *testServer) close() {
	close(s.done)
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.serve.Wait()
	s.CloseClientConnections()
	s.Server.Close() //nolint:staticcheck // QF1008: this type has a close of its own, which calls this
}

func (s *testServer) peer(transport Transport, r *http.Request) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &peer{t: s.t, transport: transport, number: s.count, request: r, done: s.done}
	s.count++
	return p
}

// own runs the script on a connection taken over from net/http.
func (s *testServer) own(p *peer, c net.Conn, reads *bufio.Reader) {
	p.conn, p.reads = c, reads
	p.write = func(b []byte) error { _, err := c.Write(b); return err }
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	s.serve.Add(1)
	defer s.serve.Done()
	defer c.Close()
	s.script(p)
}

func (s *testServer) ws(w http.ResponseWriter, r *http.Request) {
	upgrader := ws.HTTPUpgrader{Protocol: func(name string) bool { return name == s.protocol }}
	c, rw, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		s.t.Errorf("upgrade: %v", err)
		return
	}
	s.own(s.peer(WebSocket, r), c, rw.Reader)
}

func (s *testServer) sse(w http.ResponseWriter, r *http.Request) {
	p := s.peer(SSE, r)
	if s.rawSSE {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			s.t.Error(err)
			return
		}
		_, _ = c.Write(wire.AppendSSEHead(nil, wire.CORS{}))
		s.own(p, c, rw.Reader)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flusher := w.(http.Flusher)
	flusher.Flush()
	p.write = func(b []byte) error {
		_, err := w.Write(b)
		flusher.Flush()
		return err
	}
	s.script(p)
}

// config returns a configuration for n clients of the server on these transports.
func (s *testServer) config(n int, transports ...Transport) Config {
	return config(s.t, n, s.URL, transports...)
}

func config(t testing.TB, n int, url string, transports ...Transport) Config {
	t.Helper()
	cfg := Config{Total: n, Count: n, TimeField: "ts", SeqField: "seq", Timeout: time.Minute}
	for _, transport := range transports {
		raw := url + "/sse"
		if transport == WebSocket {
			raw = strings.Replace(url, "http", "ws", 1) + "/ws"
		}
		targets, err := ParseTarget(raw)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Targets = append(cfg.Targets, targets...)
		cfg.Mix[transport] = 1
	}
	if err := Resolve(t.Context(), cfg.Targets); err != nil {
		t.Fatal(err)
	}
	cfg.Sources = Sources(nil, cfg.Targets[0].Addr, n)
	return cfg
}

// swarm is an engine under test.
type swarm struct {
	*Engine
	t testing.TB
}

func start(t testing.TB, cfg Config) *swarm {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.Start()
	t.Cleanup(e.Stop)
	return &swarm{Engine: e, t: t}
}

func (s *swarm) stats() *Stats {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	stats, err := s.Stats(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return stats
}

// await polls until cond holds.
func (s *swarm) await(what string, cond func(*Stats) bool) *Stats {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		stats := s.stats()
		if cond(stats) {
			return stats
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("never came: %s; at the end: %+v, faults %+v", what, stats.Sum(), stats.Faults)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *swarm) awaitMessages(n int64) *Stats {
	s.t.Helper()
	return s.await(fmt.Sprintf("%d messages", n), func(st *Stats) bool { return st.Sum().Messages >= n })
}
