package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tickgate/internal/wire"
)

// verdict is what the tests compare: how a stream of messages was judged.
type verdict struct {
	messages, lost, conflated, duplicates, reordered int64
}

func verdictOf(t Tally) verdict {
	return verdict{t.Messages, t.Lost, t.Conflated, t.Duplicates, t.Reordered}
}

func TestSequencesAreJudged(t *testing.T) {
	tests := []struct {
		name   string
		policy Policy
		seqs   []int
		want   verdict
	}{
		{"correct", All, []int{1, 2, 3, 4, 5}, verdict{messages: 5}},
		{"begins late", All, []int{41, 42}, verdict{messages: 2}},
		{"lossy", All, []int{1, 2, 5}, verdict{messages: 3, lost: 2}},
		{"conflating", Latest, []int{1, 2, 5}, verdict{messages: 3, conflated: 2}},
		{"duplicating", Latest, []int{1, 2, 2, 3, 1}, verdict{messages: 5, duplicates: 2}},
		{"reordering", All, []int{1, 3, 2, 4}, verdict{messages: 4, reordered: 1}},
		{"reordering latest", Latest, []int{1, 4, 2, 3}, verdict{messages: 4, reordered: 2}},
		{"older than the view", Latest, []int{7, 6, 8}, verdict{messages: 3, reordered: 1}},
	}
	for _, tt := range tests {
		for _, transport := range []Transport{WebSocket, SSE} {
			for _, raw := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/raw=%v", tt.name, transport, raw), func(t *testing.T) {
					s := newServer(t, func(p *peer) { p.send(tt.seqs...); p.stay() },
						func(s *testServer) { s.rawSSE = raw })
					const clients = 3
					cfg := s.config(clients, transport)
					cfg.Policy = tt.policy
					got := start(t, cfg).awaitMessages(clients * tt.want.messages).ByTransport[transport]
					want := verdict{
						clients * tt.want.messages, clients * tt.want.lost, clients * tt.want.conflated,
						clients * tt.want.duplicates, clients * tt.want.reordered,
					}
					if verdictOf(got) != want {
						t.Errorf("got %+v, want %+v", verdictOf(got), want)
					}
					if got.Opened != clients || got.Untimed+got.Untracked+got.Disconnects != 0 {
						t.Errorf("got %+v, want %d opened and nothing unusual", got, clients)
					}
				})
			}
		}
	}
}

func TestLatencyAndTicks(t *testing.T) {
	release := make(chan struct{})
	const delay = 50 * time.Millisecond
	s := newServer(t, func(p *peer) {
		p.payload(fmt.Sprintf(`{"seq":1,"ts":%d}`, time.Now().Add(-time.Hour).UnixNano()), "") // a greeting
		<-release
		late := tick(2)
		<-time.After(delay)
		p.payload(late, "")
		p.stay()
	})
	const clients = 4
	e := start(t, s.config(clients, WebSocket, SSE))
	e.await("greetings", func(st *Stats) bool { return st.Connected() == clients && st.Sum().Replayed == clients })
	e.Hold()
	begin := time.Now()
	close(release)
	st := e.awaitMessages(2 * clients)
	h := Histogram(st.Hold[WebSocket], st.Hold[SSE])
	if low := delay.Microseconds(); h.TotalCount() != clients || h.Min() < low*999/1000 || h.Max() > time.Since(begin).Microseconds()*1001/1000 {
		t.Errorf("got %d latencies from %d to %d µs, want %d from %d", h.TotalCount(), h.Min(), h.Max(), clients, low)
	}
	if len(st.Ticks) != 1 || st.Ticks[0].Seq != 2 || st.Ticks[0].Count != clients {
		t.Errorf("got ticks %+v, want only number 2 with %d deliveries", st.Ticks, clients)
	}
	if n := st.Connect.Total(); n != clients || st.Handshake.Total() != clients {
		t.Errorf("got %d connects and %d handshakes, want %d", n, st.Handshake.Total(), clients)
	}
}

func TestStalledClientsHaveLost(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		want   verdict
	}{
		{Latest, verdict{messages: 2*9 + 2*3, lost: 2, conflated: 2 * 5}},
		{All, verdict{messages: 2*9 + 2*3, lost: 2 * 6}},
	} {
		s := newServer(t, func(p *peer) {
			p.send(1, 2, 3)
			if p.number%2 == 0 {
				p.send(4, 5, 6, 7, 8, 9)
			}
			p.stay()
		})
		cfg := s.config(4, SSE)
		cfg.Policy = tt.policy
		e := start(t, cfg)
		st := e.awaitMessages(tt.want.messages)
		e.Settle([]Tick{{Seq: st.Newest.Seq, Intended: time.Now().UnixNano()}})
		e.await("2 behind", func(st *Stats) bool { return st.Behind == 2 })
		e.Judge()
		if got := verdictOf(e.stats().Sum()); got != tt.want {
			t.Errorf("policy %d: got %+v, want %+v", tt.policy, got, tt.want)
		}
	}
}

func TestLatecomersAreNotExpectedToReachTheGoal(t *testing.T) {
	s := newServer(t, func(p *peer) { p.send(1); p.stay() })
	e := start(t, s.config(2, WebSocket))
	e.awaitMessages(2)
	e.Settle([]Tick{{Seq: 100, Intended: time.Now().Add(-time.Minute).UnixNano()}})
	if st := e.stats(); st.Behind != 0 {
		t.Errorf("got %d behind, want 0", st.Behind)
	}
}

func TestProtocolViolationsAreFaults(t *testing.T) {
	long := strings.Repeat("x", 3000)
	tests := []struct {
		name      string
		transport Transport
		bytes     []byte
		want      Failure
	}{
		{"masked frame", WebSocket, wire.AppendMaskedFrame(nil, wire.OpText, []byte("x"), [4]byte{1}), ProtocolError},
		{"reserved bits", WebSocket, []byte{0xf1, 0}, ProtocolError},
		{"text not UTF-8", WebSocket, wire.AppendFrame(nil, wire.OpText, []byte{0xff}), ProtocolError},
		{"too long", WebSocket, wire.AppendFrame(nil, wire.OpText, []byte(long)), Oversized},
		{"endless event", SSE, []byte("data: " + long), Oversized},
		{"close", WebSocket, wire.AppendCloseFrame(nil, 1001, "bye"), Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(p *peer) { p.send(1); p.raw(tt.bytes); p.stay() }, unchunked)
			cfg := s.config(1, tt.transport)
			cfg.NoReconnect, cfg.MaxMessage = true, 2000
			st := start(t, cfg).await("a fault", func(st *Stats) bool { return st.GaveUp == 1 })
			if st.Faults.ByKind[tt.want] != 1 || st.Sum().Disconnects != 1 || st.Faults.Examples[tt.want] == "" {
				t.Errorf("got %+v and %+v, want one %v", st.Faults, st.Sum(), tt.want)
			}
		})
	}
}

func TestBadAnswersAreFaults(t *testing.T) {
	tests := []struct {
		name      string
		transport Transport
		answer    string
		want      Failure
		says      string
	}{
		{"page", SSE, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>", BadHandshake, `"text/html"`},
		{"not found", SSE, "HTTP/1.1 404 Not Found\r\n\r\nnothing here", BadStatus, `answered 404 Not Found: "nothing here"`},
		{"no upgrade", WebSocket, "HTTP/1.1 200 OK\r\n\r\nhello", BadStatus, `answered 200 OK: "hello"`},
		{"not HTTP", WebSocket, "220 smtp ready\r\n", BadHandshake, `not HTTP`},
		{
			"wrong accept", WebSocket, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", BadHandshake, "Sec-WebSocket-Accept",
		},
		{"hung up", SSE, "HTTP/1.1 200", HungUp, "peer_closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				c, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = c.Write([]byte(tt.answer))
				c.Close()
			}))
			t.Cleanup(s.Close)
			cfg := config(t, 1, s.URL, tt.transport)
			cfg.NoReconnect = true
			st := start(t, cfg).await("a fault", func(st *Stats) bool { return st.GaveUp == 1 })
			if st.Faults.ByKind[tt.want] != 1 || st.Faults.FailedBeforeOpen() != 1 {
				t.Errorf("got %+v, want one %v", st.Faults, tt.want)
			}
			if got := st.Faults.Examples[tt.want]; !strings.Contains(got, tt.says) {
				t.Errorf("got %q, want it to say %q", got, tt.says)
			}
			err := Probe(t.Context(), &cfg, &cfg.Targets[0])
			if says := strings.TrimPrefix(tt.says, "peer_closed"); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("probe: got %v, want it to say %q", err, says)
			}
		})
	}
}
