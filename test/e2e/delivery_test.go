package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"tickgate/internal/trial"
)

func TestSSEStream(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	s := openSSE(t, "http://"+g.Addr+"/sse", nil)
	want := map[string]string{
		"Content-Type":      "text/event-stream; charset=utf-8",
		"Cache-Control":     "no-store",
		"X-Accel-Buffering": "no",
		"Content-Length":    "",
	}
	for name, value := range want {
		if got := s.resp.Header.Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
	events := s.wait(t, 10)
	checkTicks(t, payloads(events))
	checkIDs(t, events)
	for _, e := range events {
		if e.kind != "" {
			t.Errorf("got event type %q, want none for a tick", e.kind)
		}
	}
	if retries, _ := s.hints(); len(retries) != 1 {
		t.Errorf("got %d retry lines, want 1 at the start", len(retries))
	}
}

func TestWebSocketStream(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	checkTicks(t, openWS(t, "ws://"+g.Addr+"/ws").wait(t, 10))
}

// TestNewClientSeesAPrice: on a latest topic, the default, nobody waits for the next tick to see the first one.
func TestNewClientSeesAPrice(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 3*time.Second, func(t testing.TB, interval time.Duration) {
		g := startGateway(t, setup{flags: map[string]string{"policy": "-", "feed-interval": interval.String()}})
		openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 1)
		asked := time.Now()
		openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 1)
		openWS(t, "ws://"+g.Addr+"/ws").wait(t, 1)
		if took := time.Since(asked); took > interval/2 {
			t.Errorf("got the first price after %v, want at once", took)
		}
	})
}

func TestGobwasClient(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, buffered, _, err := ws.Dial(ctx, "ws://"+g.Addr+"/ws")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var rw io.ReadWriter = conn
	if buffered != nil {
		rw = struct {
			io.Reader
			io.Writer
		}{buffered, conn}
	}
	var got []string
	for range 5 {
		data, op, err := wsutil.ReadServerData(rw)
		if err != nil {
			t.Fatal(err)
		}
		if op != ws.OpText {
			t.Errorf("got opcode %v, want text", op)
		}
		got = append(got, string(data))
	}
	checkTicks(t, got)
}

func TestCoderClient(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// With its default options this client offers permessage-deflate; the gateway must decline and not break.
	conn, _, err := websocket.Dial(ctx, "ws://"+g.Addr+"/ws", &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	var got []string
	for range 5 {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if kind != websocket.MessageText {
			t.Errorf("got message type %v, want text", kind)
		}
		got = append(got, string(data))
	}
	checkTicks(t, got)
	pong := conn.CloseRead(ctx) // keeps reading, so that the pong can come
	if err := conn.Ping(pong); err != nil {
		t.Errorf("ping: got %v, want a pong", err)
	}
	if err := conn.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("close handshake: got %v, want none", err)
	}
}

func TestCurl(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 2*time.Second, func(t testing.TB, unit time.Duration) {
		curl := need(t, "curl")
		g := startGateway(t, setup{})
		cmd := exec.Command(curl, "--silent", "--no-buffer", "--max-time", fmt.Sprint(unit.Seconds()), "--http1.1", "http://"+g.Addr+"/sse")
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 28 { //nolint:errorlint // Output returns *exec.ExitError itself
			t.Fatalf("curl ended with %v, want 28 (its own time limit; the stream does not end)", err)
		}
		var data []string
		for line := range strings.Lines(string(out)) {
			if payload, ok := strings.CutPrefix(line, "data: "); ok {
				data = append(data, strings.TrimSuffix(payload, "\n"))
			}
		}
		if len(data) < 10 {
			t.Errorf("got %d ticks in %v at 100 ms, want at least 10", len(data), unit)
		}
		checkTicks(t, data)
	})
}

func TestEchoIsOptional(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{})
	if got := statusOf("http://" + g.Addr + "/echo"); got != http.StatusNotFound {
		t.Errorf("/echo without --echo: got status %d, want 404", got)
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"echo": "true", "feed": "none"}})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+g.Addr+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	// 125/126 and 65535/65536 are the borders of the three length encodings (RFC 6455 §5.2).
	for _, size := range []int{0, 1, 125, 126, 4096, 65535, 65536} {
		sent := strings.Repeat("é", size/2) + strings.Repeat("x", size%2)
		if err := conn.Write(ctx, websocket.MessageText, []byte(sent)); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		kind, got, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if kind != websocket.MessageText || string(got) != sent {
			t.Errorf("%d bytes: got %v of %d bytes, want the same text back", size, kind, len(got))
		}
	}
	if err := conn.Write(ctx, websocket.MessageBinary, []byte{0, 0xff, 0xfe}); err != nil {
		t.Fatal(err)
	}
	kind, got, err := conn.Read(ctx)
	if err != nil || kind != websocket.MessageBinary || string(got) != "\x00\xff\xfe" {
		t.Errorf("binary: got %v %x %v, want binary 00fffe", kind, got, err)
	}
}

// TestReplayFeed compares ticks with the file they come from, and the intended times with the interval.
func TestReplayFeed(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed": "replay:../../data/sp500-2000.csv", "feed-interval": "50ms"}})
	ticks := parseTicks(t, payloads(openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 12)))
	closes := readCloses(t)
	for i, tick := range ticks {
		if want := closes[int(tick.Seq-1)%len(closes)]; tick.Price != want {
			t.Errorf("tick %d: got price %v, want %v, the close of row %d", i, tick.Price, want, tick.Seq)
		}
		// A feed that is a whole interval late, as on a machine that stood still, leaves ticks out.
		if i > 0 && (tick.Ts <= ticks[i-1].Ts || (tick.Ts-ticks[i-1].Ts)%(50*time.Millisecond).Nanoseconds() != 0) {
			t.Errorf("tick %d: got ts %d ns after the one before, want exactly the interval, or several", i, tick.Ts-ticks[i-1].Ts)
		}
	}
	if late := time.Since(time.Unix(0, ticks[len(ticks)-1].Ts)); late < 0 || late > patience {
		t.Errorf("got an intended time %v ago, want one just past", late)
	}
}

func TestStdinFeed(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed": "stdin"}, stdin: true})
	stream := openSSE(t, "http://"+g.Addr+"/sse?last=0", nil)
	socket := openWS(t, "ws://"+g.Addr+"/ws?last=0")
	lines := []string{`{"a":1}`, "plain text", "grüße ☃", strings.Repeat("long ", 2000)}
	for _, line := range lines {
		if _, err := io.WriteString(g.Stdin, line+"\n"); err != nil {
			t.Fatal(err)
		}
		// One after another: on a latest topic a message may overtake the one before.
		eventually(t, patience, "delivery of "+line[:5], func() bool {
			got := socket.seen()
			return len(got) > 0 && got[len(got)-1] == line
		})
	}
	got := payloads(stream.wait(t, len(lines)))
	for i, want := range lines {
		if got[i] != want {
			t.Errorf("SSE line %d: got %q, want %q", i, got[i], want)
		}
	}
	// The end of the feed is not the end of the gateway.
	if err := g.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	never(t, 300*time.Millisecond, "the end of the gateway at the end of its stdin", g.hasExited)
}

// TestSimFeedIsReproducible: the walk is seeded, so two gateways tell the same prices.
func TestSimFeedIsReproducible(t *testing.T) {
	t.Parallel()
	type key struct {
		sym string
		seq uint64
	}
	prices := map[key]float64{}
	common := 0
	for range 2 {
		g := startGateway(t, setup{flags: map[string]string{"feed-interval": "20ms"}})
		for _, tick := range parseTicks(t, payloads(openSSE(t, "http://"+g.Addr+"/sse?last=1000", nil).wait(t, 100))) {
			before, seen := prices[key{tick.Sym, tick.Seq}]
			if seen {
				common++
			}
			if seen && before != tick.Price {
				t.Errorf("%s seq %d: got price %v and then %v from the second gateway", tick.Sym, tick.Seq, before, tick.Price)
			}
			prices[key{tick.Sym, tick.Seq}] = tick.Price
		}
	}
	if common == 0 {
		t.Error("got no tick that both gateways told")
	}
}
