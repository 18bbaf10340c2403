package publish

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds everything a test waits for.
const deadline = time.Minute

// memory is a Publisher that keeps messages, and holds acknowledgements back while hold is set.
type memory struct {
	mu       sync.Mutex
	messages []bus.Msg     // guarded by mu
	err      error         // guarded by mu; of PublishAsync
	hold     chan struct{} // acknowledgements come when it is closed; nil: at once
}

func (m *memory) PublishAsync(msg bus.Msg) (Pending, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	m.messages = append(m.messages, msg)
	return &promise{seq: uint64(len(m.messages)), hold: m.hold}, nil
}

func (m *memory) Epoch() string { return "epoch" }

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) stored() []bus.Msg {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]bus.Msg(nil), m.messages...)
}

type promise struct {
	seq  uint64
	hold chan struct{}
}

func (p *promise) Resolved() bool {
	select {
	case <-p.hold:
		return true
	default:
		return p.hold == nil
	}
}

func (p *promise) Wait(ctx context.Context) (bus.Ack, error) {
	if p.hold != nil {
		select {
		case <-p.hold:
		case <-ctx.Done():
			return bus.Ack{}, ctx.Err()
		}
	}
	return bus.Ack{Seq: p.seq}, nil
}

// serve starts a server around a handler.
func serve(t *testing.T, cfg Config) (*Handler, string) {
	t.Helper()
	if cfg.Authorizer == nil {
		cfg.Authorizer = LoopbackOnly(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	}
	h := New(cfg)
	mux := http.NewServeMux()
	h.Register(mux.Handle)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return h, server.URL
}

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   string
}

func post(t *testing.T, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// waitFor polls a condition.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(deadline); !condition(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, deadline)
		}
	}
}
