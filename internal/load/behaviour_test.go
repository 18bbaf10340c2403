package load

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tickgate/internal/envelope"
	"tickgate/internal/trial"
	"tickgate/internal/wire"
)

func TestClientsComeBackAsTheHintSays(t *testing.T) {
	tests := []struct {
		name      string
		transport Transport
		end       func(*peer, time.Duration)
	}{
		{"restart", WebSocket, func(p *peer, wait time.Duration) { p.raw(wire.AppendCloseRetry(nil, wire.CloseRestart, wait)) }},
		{"overload", WebSocket, func(p *peer, wait time.Duration) { p.raw(wire.AppendCloseRetry(nil, wire.CloseOverloaded, wait)) }},
		{"retry line", SSE, func(p *peer, wait time.Duration) { p.raw(wire.AppendSSERetry(nil, wait)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trial.Grow(t, 120*time.Millisecond, func(t testing.TB, wait time.Duration) {
				visits := make(chan time.Time, 2)
				resumed := make(chan string, 2)
				s := newServer(t, func(p *peer) {
					visits <- time.Now()
					resumed <- p.request.Header.Get("Last-Event-ID") + p.request.URL.Query().Get("lastEventId")
					p.payload(`{"id":"e-1","seq":1}`, "e-1")
					if p.number > 0 {
						p.payload(`{"id":"e-4","seq":4}`, "e-4")
						p.stay()
						return
					}
					tt.end(p, wait)
				}, unchunked)
				cfg := s.config(1, tt.transport)
				cfg.IDField = "id"
				st := start(t, cfg).awaitMessages(3)
				first, second := <-visits, <-visits
				if got := second.Sub(first); got < wait-retryUnit || got > 8*wait {
					t.Errorf("came back after %v, want %v", got, wait)
				}
				if before, after := <-resumed, <-resumed; before != "" || after != "e-1" {
					t.Errorf("named %q and then %q, want nothing and then e-1", before, after)
				}
				sum := st.Sum()
				if sum.Hinted != 1 || sum.Resumed != 1 || sum.Duplicates != 1 || sum.Conflated != 2 {
					t.Errorf("got %+v, want 1 hint, 1 resumed, a duplicate (the server sent 1 again) and 2 conflated", sum)
				}
			})
		})
	}
}

func TestRetryAfterOfARefusal(t *testing.T) {
	refused := false
	ok := newServer(t, func(p *peer) { p.stay() })
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refused {
			refused = true
			w.Header().Set("Retry-After", "0")
			http.Error(w, "full", http.StatusServiceUnavailable)
			return
		}
		ok.sse(w, r)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	st := start(t, config(t, 1, s.URL, SSE)).await("connected", func(st *Stats) bool { return st.Connected() == 1 })
	if st.Sum().Hinted != 1 || st.Faults.Statuses[503] != 1 {
		t.Errorf("got %+v and %+v, want one hint and one 503", st.Sum(), st.Faults)
	}
}

func TestWhoComesBack(t *testing.T) {
	for code, want := range map[uint16]bool{1000: false, 1001: true, 1002: false, 1008: false, 1009: false, 1012: true, 4008: true} {
		if got := comesBackAfter(code); got != want {
			t.Errorf("code %d: got %v, want %v", code, got, want)
		}
	}
	for status, want := range map[int]bool{204: false, 301: false, 400: false, 404: false, 408: true, 429: true, 500: true, 503: true} {
		if got := comesBackAfterStatus(status); got != want {
			t.Errorf("status %d: got %v, want %v", status, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for attempts, full := range []time.Duration{backoffBase, 2 * backoffBase, 4 * backoffBase} {
		for range 100 {
			if d := backoff(uint8(attempts)); d < full/2 || d > full {
				t.Fatalf("attempt %d: got %v, want %v to %v", attempts, d, full/2, full)
			}
		}
	}
	if d := backoff(maxAttempts); d < backoffLimit/2 || d > backoffLimit {
		t.Errorf("got %v, want at most %v", d, backoffLimit)
	}
}

func TestSlowClientsStopReading(t *testing.T) {
	s := newServer(t, func(p *peer) { p.send(1, 2, 3); p.stay() })
	cfg := s.config(10, WebSocket)
	cfg.Slow = 3
	e := start(t, cfg)
	st := e.await("all", func(st *Stats) bool { return st.Connected() == 10 && st.Sum().Messages >= 21 })
	if st.Slow != 3 || st.Sum().Messages != 21 {
		t.Errorf("got %d slow and %d messages, want 3 and 21", st.Slow, st.Sum().Messages)
	}
	e.Settle([]Tick{{Seq: 3, Intended: time.Now().UnixNano()}})
	if st := e.stats(); st.Behind != 0 {
		t.Errorf("got %d behind, want 0: slow clients are not expected to keep up", st.Behind)
	}
}

func TestChurnIsNoFailure(t *testing.T) {
	closes := make(chan uint16, 100)
	s := newServer(t, func(p *peer) {
		p.send(1)
		if part := p.read(); part.Kind == wire.Close {
			closes <- part.Code
		}
	})
	cfg := s.config(5, WebSocket)
	cfg.Churn = 100
	e := start(t, cfg)
	e.await("all", func(st *Stats) bool { return st.Connected() == 5 })
	e.Hold()
	st := e.await("returns", func(st *Stats) bool { return st.Sum().Opened >= 10 })
	sum := st.Sum()
	if sum.Left < 5 || sum.Disconnects != 0 || st.Faults.ByKind != [failures]int64{} {
		t.Errorf("got %+v and %+v, want 5 or more left and no failure", sum, st.Faults)
	}
	if verdictOf(sum) != (verdict{messages: sum.Messages}) {
		t.Errorf("got %+v, want nothing lost or repeated: a new connection is a new view", verdictOf(sum))
	}
	if code := <-closes; code != 1000 {
		t.Errorf("said goodbye with %d, want 1000", code)
	}
}

func TestFarewell(t *testing.T) {
	s := newServer(t, func(p *peer) { p.stay() })
	e := start(t, s.config(20, WebSocket, SSE))
	e.await("all", func(st *Stats) bool { return st.Connected() == 20 })
	e.Farewell()
	st := e.await("nobody", func(st *Stats) bool { return st.Connected() == 0 })
	if sum := st.Sum(); sum.Left != 20 || sum.Disconnects != 0 {
		t.Errorf("got %+v, want 20 left and no disconnects", sum)
	}
}

func TestPingsAreAnsweredAndTextIsSent(t *testing.T) {
	got := make(chan string, 2)
	s := newServer(t, func(p *peer) {
		for range 2 {
			part := p.read()
			got <- fmt.Sprintf("%d %s", part.Kind, part.Payload)
			p.raw(wire.AppendPing(nil, []byte("are you there")))
		}
		p.stay()
	})
	cfg := s.config(1, WebSocket)
	cfg.Send = "{\"op\":\"sub\"}\n"
	start(t, cfg).await("ping", func(st *Stats) bool { return st.Sum().Pings > 0 })
	want := []string{fmt.Sprintf("%d %s", wire.Data, cfg.Send), fmt.Sprintf("%d are you there", wire.Pong)}
	for _, want := range want {
		if got := <-got; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestEnvelope(t *testing.T) {
	s := newServer(t, func(p *peer) {
		for _, text := range []string{
			`{"t":"ok","ref":1}`,
			string(envelope.AppendMessage(nil, &envelope.Message{Topic: "price.ACME", ID: "e-7", Payload: []byte(tick(7))})),
			`{"t":"gap","requested":"e-1","oldest":"e-6"}`,
			string(envelope.AppendMessage(nil, &envelope.Message{Topic: "price.ACME", ID: "e-2", Payload: []byte(tick(2))})),
		} {
			p.payload(text, "")
		}
		p.stay()
	}, func(s *testServer) { s.protocol = wire.Subprotocol })
	cfg := s.config(1, WebSocket)
	cfg.Subprotocol, cfg.Policy = wire.Subprotocol, All
	sum := start(t, cfg).awaitMessages(2).Sum()
	if sum.Gaps != 1 || sum.Reordered+sum.Duplicates+sum.Lost+sum.Untracked != 0 {
		t.Errorf("got %+v, want 1 gap and a new view behind it", sum)
	}
}

// A server that leaves the subprotocol alone sends messages without envelopes, of which none would be found: all would count
// as lost.
func TestNoEnvelope(t *testing.T) {
	s := newServer(t, func(p *peer) { p.stay() })
	cfg := s.config(1, WebSocket)
	cfg.Subprotocol = wire.Subprotocol
	if err := Probe(t.Context(), &cfg, &cfg.Targets[0]); err == nil || !strings.Contains(err.Error(), "leave --subprotocol out") {
		t.Errorf("got %v, want it to name the remedy", err)
	}
	cfg.Subprotocol = "another.v1"
	if err := Probe(t.Context(), &cfg, &cfg.Targets[0]); err != nil {
		t.Errorf("got %v, want no error: messages are found without it", err)
	}
}

func TestFragmentsAndChunksAreJoined(t *testing.T) {
	payload := []byte(tick(1))
	long := []byte(fmt.Sprintf(`{"pad":%q,"seq":2,"ts":%d}`, strings.Repeat("x", 200<<10), time.Now().UnixNano()))
	for _, transport := range []Transport{WebSocket, SSE} {
		for _, raw := range []bool{true, false} {
			s := newServer(t, func(p *peer) {
				if p.transport == WebSocket {
					p.raw(wire.AppendFragment(nil, wire.OpText, false, payload[:9]))
					p.raw(wire.AppendPing(nil, nil))
					p.raw(wire.AppendFragment(nil, wire.OpContinuation, true, payload[9:]))
				} else {
					event := wire.AppendSSEEvent(nil, "1", "", payload)
					p.raw(event[:12])
					p.raw(event[12:])
				}
				p.payload(string(long), "2")
				p.send(3)
				p.stay()
			}, func(s *testServer) { s.rawSSE = raw })
			sum := start(t, s.config(2, transport)).awaitMessages(6).Sum()
			if sum.Untracked+sum.Untimed+sum.Conflated != 0 || sum.Bytes < int64(2*len(long)) {
				t.Errorf("%v: got %+v, want three whole messages a client", transport, sum)
			}
		}
	}
}

func TestRateIsKept(t *testing.T) {
	s := newServer(t, func(p *peer) { p.stay() })
	cfg := s.config(30, SSE)
	cfg.Rate, cfg.Loops = 100, 2
	begin := time.Now()
	st := start(t, cfg).await("all", func(st *Stats) bool { return st.Connected() == 30 && st.Fresh == 0 })
	if d := st.At.Sub(begin); d < 250*time.Millisecond {
		t.Errorf("30 connects at 100/s took %v, want about 300 ms", d)
	}
}

func TestRefusedAndNoSource(t *testing.T) {
	cfg := config(t, 2, "http://127.0.0.1:1", SSE) // a port that no test can be given
	cfg.NoReconnect = true
	st := start(t, cfg).await("both refused", func(st *Stats) bool { return st.GaveUp == 2 })
	if st.Faults.ByKind[Refused] != 2 {
		t.Errorf("got %+v, want 2 refused", st.Faults)
	}
	if err := Probe(t.Context(), &cfg, &cfg.Targets[0]); err == nil || !strings.Contains(err.Error(), "nobody listens on") {
		t.Errorf("got %v, want it to say that nobody listens", err)
	}

	cfg.Sources = []netip.Addr{netip.MustParseAddr("192.0.2.1")} // TEST-NET-1 is nobody's
	st = start(t, cfg).await("both failed", func(st *Stats) bool { return st.GaveUp == 2 })
	if st.Faults.ByKind[NoSource] != 2 {
		t.Errorf("got %+v, want 2 from no address of this machine", st.Faults)
	}
	if err := Probe(t.Context(), &cfg, &cfg.Targets[0]); err == nil || !strings.Contains(err.Error(), "--source") {
		t.Errorf("got %v, want it to name the remedy", err)
	}
}

func TestProbeAcceptsAPushServer(t *testing.T) {
	s := newServer(t, func(p *peer) { p.stay() })
	cfg := s.config(1, WebSocket, SSE)
	for i := range cfg.Targets {
		if err := Probe(t.Context(), &cfg, &cfg.Targets[i]); err != nil {
			t.Error(err)
		}
	}
}

func TestTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := config(t, 1, "http://"+l.Addr().String(), SSE)
	cfg.NoReconnect, cfg.Timeout = true, 200*time.Millisecond
	st := start(t, cfg).await("given up", func(st *Stats) bool { return st.GaveUp == 1 })
	if st.Faults.ByKind[TimedOut] != 1 {
		t.Errorf("got %+v, want one timeout", st.Faults)
	}
	if err := Probe(t.Context(), &cfg, &cfg.Targets[0]); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("got %v, want it to say that there is no answer", err)
	}
}
