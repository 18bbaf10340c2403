package publish

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tickgate/internal/bus"
)

// TestStreamAnswersEachLine: results come in the order of the lines, and a bad line ends nothing.
func TestStreamAnswersEachLine(t *testing.T) {
	store := &memory{}
	h, url := serve(t, Config{Publisher: store, MaxMessage: 20})
	lines := []string{
		`{"topic":"a","data":1,"event":"e","msgid":"m"}`,
		`nonsense`,
		`{"topic":"a.*","data":1}`,
		``,
		`{"topic":"a","data":"123456789012345678901"}`,
		`{"topic":"a","data":"` + strings.Repeat("x", lineLimit(20)) + `"}`,
		`{"topic":"b","data":"text"}`,
	}
	got := post(t, url+"/v1/messages", strings.Join(lines, "\n"))
	want := []string{
		`{"id":"epoch-1","duplicate":false}`, `{"error":"bad_request"`, `{"error":"bad_topic"`, `{"error":"bad_request"`,
		`{"error":"too_large"`, `{"error":"too_large"`, `{"id":"epoch-2","duplicate":false}`,
	}
	results := strings.Split(strings.TrimSuffix(got.body, "\n"), "\n")
	if len(results) != len(want) {
		t.Fatalf("got %d results %q, want %d", len(results), results, len(want))
	}
	for i, result := range results {
		if !strings.HasPrefix(result, want[i]) {
			t.Errorf("line %q: got %s, want %s", lines[i], result, want[i])
		}
	}
	if m := store.stored(); m[0].Event != "e" || m[0].MsgID != "m" || string(m[1].Payload) != "text" || m[1].Topic != "b" {
		t.Errorf("got %+v stored", m)
	}
	if s := h.Stats(); s.Stored != 2 || s.Failed["too_large"] != 2 || s.Failed["bad_request"] != 2 {
		t.Errorf("got %+v as counts", s)
	}
}

// TestStreamIsFullDuplex: a client gets the result of a line before it sends the next one.
func TestStreamIsFullDuplex(t *testing.T) {
	_, url := serve(t, Config{Publisher: &memory{}})
	body, out := io.Pipe()
	resp := stream(t, t.Context(), url, body)
	results := bufio.NewReader(resp.Body)
	for i := 1; i <= 3; i++ {
		if _, err := fmt.Fprintf(out, `{"topic":"a","data":%d}`+"\n", i); err != nil {
			t.Fatal(err)
		}
		got, err := results.ReadString('\n')
		if want := fmt.Sprintf(`{"id":"epoch-%d","duplicate":false}`+"\n", i); got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	_ = out.Close()
	if rest, err := io.ReadAll(results); len(rest) > 0 || err != nil {
		t.Errorf("got %q, %v after the last line", rest, err)
	}
}

// stream begins a pipeline and returns once the answer has begun.
func stream(t *testing.T, ctx context.Context, url string, body io.Reader) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/messages", body)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got status %d", resp.StatusCode)
	}
	return resp
}

// TestStreamIsBounded: while the stream acknowledges nothing, no more messages and bytes are taken than the window
// holds, whatever the client sends; then everything gets its result.
func TestStreamIsBounded(t *testing.T) {
	const lines = 500
	for _, tt := range []struct {
		name string
		cfg  Config
		want int
	}{
		{"messages", Config{Window: 8}, 8 + 2},         // one in each half's hand
		{"bytes", Config{WindowBytes: 4 * 1000}, 4},    // of 1000 bytes
		{"large messages", Config{WindowBytes: 10}, 1}, // one alone
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := &memory{hold: make(chan struct{})}
			tt.cfg.Publisher = store
			_, url := serve(t, tt.cfg)
			body, out := io.Pipe()
			go func() {
				defer func() { _ = out.Close() }()
				for range lines {
					if _, err := fmt.Fprintf(out, `{"topic":"a","data":"%s"}`+"\n", strings.Repeat("x", 1000)); err != nil {
						return
					}
				}
			}()
			resp := stream(t, t.Context(), url, body)
			waitFor(t, "the window is full", func() bool { return len(store.stored()) == tt.want })
			stays(t, func() bool { return len(store.stored()) == tt.want })
			close(store.hold)
			results, err := io.ReadAll(resp.Body)
			if n := strings.Count(string(results), `"id"`); n != lines || err != nil {
				t.Errorf("got %d results, %v, want %d", n, err, lines)
			}
		})
	}
}

// stays fails the test if the condition does not hold for a while.
func stays(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 20 {
		if <-tick.C; !condition() {
			t.Fatal("more was taken than the window holds")
		}
	}
}

// TestUnreadResults: a client that reads no results is held up, and then cut off.
func TestUnreadResults(t *testing.T) {
	store := &memory{}
	h, url := serve(t, Config{Publisher: store, Patience: 300 * time.Millisecond})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, _ = io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
	lines := strings.Repeat(`{"topic":"a","data":1}`+"\n", 1000)
	_ = conn.SetWriteDeadline(time.Now().Add(deadline))
	for err == nil {
		_, err = io.WriteString(conn, lines)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the client is held up for %v and not cut off", deadline)
	}
	waitFor(t, "the place is free", func() bool { return len(h.streams) == 0 })
}

// TestStreamWaitsWhenOverloaded: a pipeline is held up, not refused, while others keep the stream busy.
func TestStreamWaitsWhenOverloaded(t *testing.T) {
	store := &memory{err: bus.ErrOverloaded}
	var attempts atomic.Int32
	_, url := serve(t, Config{Publisher: counted{store, &attempts}})
	done := make(chan answer, 1)
	go func() { done <- post(t, url+"/v1/messages", `{"topic":"a","data":1}`) }()
	waitFor(t, "several attempts", func() bool { return attempts.Load() > 3 })
	store.fail(nil)
	if got := <-done; !strings.Contains(got.body, `"id":"epoch-1"`) {
		t.Errorf("got %s", got.body)
	}
}

type counted struct {
	*memory
	attempts *atomic.Int32
}

func (c counted) PublishAsync(m bus.Msg) (Pending, error) {
	c.attempts.Add(1)
	return c.memory.PublishAsync(m)
}

// TestStreamTellsLinesThatFailed: an error of the stream is the line's result, and later lines are stored again.
func TestStreamTellsLinesThatFailed(t *testing.T) {
	store := &memory{err: errors.Join(bus.ErrUnavailable)}
	_, url := serve(t, Config{Publisher: store})
	body, out := io.Pipe()
	resp := stream(t, t.Context(), url, body)
	results := bufio.NewReader(resp.Body)
	for _, want := range []string{`{"error":"unavailable"`, `{"id":"epoch-1"`} {
		_, _ = io.WriteString(out, `{"topic":"a","data":1}`+"\n")
		if got, _ := results.ReadString('\n'); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
		store.fail(nil)
	}
	_ = out.Close()
}

// TestStreamSurvivesNilPointer: a Publisher may return its own nil pointer beside an error, which is not a nil Pending.
func TestStreamSurvivesNilPointer(t *testing.T) {
	_, url := serve(t, Config{Publisher: pointless{&memory{}}})
	got := post(t, url+"/v1/messages", `{"topic":"a","data":1}`)
	if !strings.HasPrefix(got.body, `{"error":"unavailable"`) {
		t.Errorf("got %q", got.body)
	}
}

type pointless struct{ *memory }

func (pointless) PublishAsync(bus.Msg) (Pending, error) {
	var none *bus.Pending
	return none, bus.ErrUnavailable
}

// TestStreamQuotesLittle: what is wrong with a line is told without repeating all of it, since a window of such lines would
// hold far more than its bytes.
func TestStreamQuotesLittle(t *testing.T) {
	_, url := serve(t, Config{Publisher: &memory{}})
	long := strings.Repeat("ü", 100<<10)
	for _, line := range []string{`{"` + long + `":1}`, `{"topic":"a","data":1,"enc":"` + long + `"}`} {
		got := post(t, url+"/v1/messages", line)
		if !strings.HasPrefix(got.body, `{"error":"bad_request"`) || len(got.body) > 2*maxExplained || strings.Contains(got.body, "\ufffd") {
			t.Errorf("got %d bytes beginning with %.100q", len(got.body), got.body)
		}
	}
}

// TestStreamHasNoReadDeadline: what a server allows a usual body to take is not for a pipeline.
func TestStreamHasNoReadDeadline(t *testing.T) {
	h := New(Config{Publisher: &memory{}, Authorizer: only("a")})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		h.stream(w, r)
	}))
	defer server.Close()
	body, out := io.Pipe()
	defer func() { _ = out.Close() }()
	resp := stream(t, t.Context(), server.URL, body)
	_, _ = io.WriteString(out, `{"topic":"a","data":1}`+"\n")
	if got, err := bufio.NewReader(resp.Body).ReadString('\n'); !strings.HasPrefix(got, `{"id":"epoch-1"`) {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestStreamOutlivesNobody: a client that goes away in the middle, one that ends its half early, and one that does not
// read its results all leave nothing behind. goleak in TestMain looks for goroutines, the places are looked at here.
func TestStreamOutlivesNobody(t *testing.T) {
	tests := []struct {
		name  string
		leave func(conn net.Conn)
	}{
		{"reset", func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0); _ = conn.Close() }},
		{"closed", func(conn net.Conn) { _ = conn.Close() }},
		{"half closed", func(conn net.Conn) { _ = conn.(*net.TCPConn).CloseWrite() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			store := &memory{}
			h, url := serve(t, Config{Publisher: store, Window: 16})
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"+
				strings.Repeat(`{"topic":"a","data":1}`+"\n", 40)+`{"topic":"a","da`)
			waitFor(t, "the whole lines are stored", func() bool { return len(store.stored()) == 40 })
			tt.leave(conn)
			waitFor(t, "the place is free", func() bool { return len(h.streams) == 0 })
			if n := len(store.stored()); n != 40 {
				t.Errorf("got %d messages stored, want 40: half a line is none", n)
			}
		})
	}
}

// TestStreamEndsWithServer: a server that stops does not wait for a pipeline's end; what was read gets its result.
func TestStreamEndsWithServer(t *testing.T) {
	store := &memory{hold: make(chan struct{})}
	h := New(Config{Publisher: store, Authorizer: deny{}})
	h.config.Authorizer = only("a")
	running, stop := context.WithCancel(t.Context())
	mux := http.NewServeMux()
	h.Register(mux.Handle)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, BaseContext: func(net.Listener) context.Context { return running }}
	go func() { _ = server.Serve(listener) }()
	body, out := io.Pipe()
	go func() { _, _ = io.WriteString(out, `{"topic":"a","data":1}`+"\n") }()
	resp := stream(t, t.Context(), "http://"+listener.Addr().String(), body)
	waitFor(t, "the message is on its way", func() bool { return len(store.stored()) == 1 })
	stop()
	close(store.hold)
	if results, err := io.ReadAll(resp.Body); string(results) != `{"id":"epoch-1","duplicate":false}`+"\n" || err != nil {
		t.Errorf("got %q, %v, want the result of the line that was read", results, err)
	}
	_ = out.Close()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// TestExpectContinue: curl asks before it sends a large body, and must get its 100 before the answer begins.
func TestExpectContinue(t *testing.T) {
	_, url := serve(t, Config{Publisher: &memory{}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	line := `{"topic":"a","data":1}`
	_, _ = fmt.Fprintf(conn, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(line))
	in := bufio.NewReader(conn)
	if status, err := in.ReadString('\n'); status != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v first", status, err)
	}
	_, _ = in.ReadString('\n')
	_, _ = io.WriteString(conn, line)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if results, _ := io.ReadAll(resp.Body); !strings.Contains(string(results), `"id":"epoch-1"`) {
		t.Errorf("got %s", results)
	}
}
