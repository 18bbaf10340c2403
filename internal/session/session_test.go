package session

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is one loop with a hub, listening on loopback.
type gateway struct {
	*Loop
	hub  *hub.Hub
	addr string
	seq  uint64
}

func newGateway(t *testing.T, adjust func(*Config)) *gateway {
	t.Helper()
	h := hub.New(hub.Config{Epoch: "e"})
	cfg := Config{Hub: h, DefaultTopic: "ticks", Heartbeat: 30 * time.Second}
	if adjust != nil {
		adjust(&cfg)
	}
	if cfg.Hub != nil {
		h = cfg.Hub
	}
	l, err := NewLoop(cfg, epoll.NewSlab[State](20_000))
	if err != nil {
		t.Fatal(err)
	}
	bound, err := l.epoll.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return &gateway{Loop: l, hub: h, addr: bound.String()}
}

func (g *gateway) publish(payload string) {
	g.seq++
	g.hub.Publish(hub.Publication{Seq: g.seq, Topic: "ticks", Payload: []byte(payload), Time: time.Now()})
}

func (g *gateway) snapshot(t *testing.T) Snapshot {
	t.Helper()
	s, ok := g.Snapshot(5 * time.Second)
	if !ok {
		t.Fatal("Snapshot: the loop did not answer")
	}
	return s
}

// eventually polls a condition on the loop's counters.
func (g *gateway) eventually(t *testing.T, what string, cond func(Snapshot) bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s := g.snapshot(t)
		if cond(s) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not reached, last snapshot %+v", what, s)
		}
	}
}

func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// request sends text (LF becomes CRLF) and returns the whole answer.
func (g *gateway) request(t *testing.T, text string) string {
	t.Helper()
	c := g.dial(t)
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("read answer: %v (got %q)", err, answer)
	}
	return string(answer)
}

func (g *gateway) sse(t *testing.T, query string) *bufio.Reader {
	t.Helper()
	c := g.dial(t)
	fmt.Fprintf(c, "GET /sse%s HTTP/1.1\r\nHost: x\r\n\r\n", query)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := resp.Header.Get("Content-Type"), "text/event-stream; charset=utf-8"; got != want {
		t.Fatalf("Content-Type: got %q, want %q", got, want)
	}
	return r
}

func (g *gateway) ws(t *testing.T, path string) io.ReadWriter {
	t.Helper()
	c := g.dial(t)
	br, _, err := (ws.Dialer{}).Upgrade(c, &url.URL{Scheme: "ws", Host: g.addr, Path: path})
	if err != nil {
		t.Fatalf("upgrade %s: %v", path, err)
	}
	if br == nil {
		return c
	}
	return struct {
		io.Reader
		io.Writer
	}{io.MultiReader(io.LimitReader(br, int64(br.Buffered())), c), c}
}

// block reads one SSE block: the lines up to a blank one.
func block(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("read event: %v (so far %q)", err, b.String())
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

func TestBothTransportsGetEveryMessage(t *testing.T) {
	g := newGateway(t, nil)
	stream, socket := g.sse(t, ""), g.ws(t, "/ws")
	if got := block(t, stream); !strings.HasPrefix(got, "retry: ") {
		t.Fatalf("first block: got %q, want retry", got)
	}
	g.eventually(t, "subscribed", func(s Snapshot) bool { return s.Fanout.Subscriptions == 2 })
	for i := range 50 {
		payload := fmt.Sprintf(`{"n":%d}`, i)
		g.publish(payload)
		if got, want := block(t, stream), fmt.Sprintf("id: e-%d\ndata: %s\n", i+1, payload); got != want {
			t.Fatalf("event %d: got %q, want %q", i, got, want)
		}
		got, op, err := wsutil.ReadServerData(socket)
		if err != nil || string(got) != payload || op != ws.OpText {
			t.Fatalf("message %d: got %q (%v, %v), want %q", i, got, op, err, payload)
		}
	}
	s := g.snapshot(t)
	if got := s.Fanout.Delivered; got != 100 {
		t.Errorf("delivered: got %d, want 100", got)
	}
	if got := s.Sessions[WebSocket][Open] + s.Sessions[SSE][Open]; got != 2 {
		t.Errorf("open sessions: got %d, want 2", got)
	}
}

func TestNewClientSeesTheLatest(t *testing.T) {
	g := newGateway(t, nil)
	g.publish("one")
	g.publish("two")
	if got, _, err := wsutil.ReadServerData(g.ws(t, "/ws")); string(got) != "two" || err != nil {
		t.Errorf("first message: got %q, %v, want two", got, err)
	}
	stream := g.sse(t, "?lastEventId=e-1")
	block(t, stream)
	if got, want := block(t, stream), "id: e-2\ndata: two\n"; got != want {
		t.Errorf("after resume: got %q, want %q", got, want)
	}
	stream = g.sse(t, "?lastEventId=other-1")
	block(t, stream)
	if got, want := block(t, stream), "event: gap\ndata: {\"requested\":\"other-1\",\"oldest\":\"e-1\",\"topic\":\"ticks\"}\n"; got != want {
		t.Errorf("after another epoch: got %q, want %q", got, want)
	}
}

func TestEcho(t *testing.T) {
	g := newGateway(t, func(c *Config) { c.Echo = true })
	c := g.ws(t, "/echo")
	for _, payload := range []string{"", "hello", strings.Repeat("x", 60_000)} {
		if err := wsutil.WriteClientText(c, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		got, _, err := wsutil.ReadServerData(c)
		if err != nil || string(got) != payload {
			t.Fatalf("echo of %d bytes: got %d bytes, %v", len(payload), len(got), err)
		}
	}
}

func TestDrainSendsHints(t *testing.T) {
	g := newGateway(t, nil)
	stream, socket := g.sse(t, ""), g.ws(t, "/ws")
	block(t, stream)
	g.eventually(t, "subscribed", func(s Snapshot) bool { return s.Fanout.Subscriptions == 2 })
	g.Drain(200 * time.Millisecond)
	if got := block(t, stream); !strings.HasPrefix(got, "retry: ") {
		t.Errorf("before the stream ends: got %q, want retry", got)
	}
	if _, err := stream.ReadByte(); err != io.EOF {
		t.Errorf("after the hint: got %v, want EOF", err)
	}
	frame, err := ws.ReadFrame(socket)
	if err != nil {
		t.Fatal(err)
	}
	code, reason, err := wire.ParseClose(frame.Payload)
	if code != wire.CloseRestart || !strings.HasPrefix(string(reason), "retry=") || err != nil {
		t.Errorf("close: got %d %q (%v), want 1012 retry=", code, reason, err)
	}
	g.eventually(t, "all gone", func(s Snapshot) bool { return s.Loop.Conns == 0 })
}
