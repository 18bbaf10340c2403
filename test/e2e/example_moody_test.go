package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const (
	// moodyAfter and moodyRetry are what a moody server tells: longer than a client waits by itself after one failure.
	moodyAfter = 4 * time.Second
	moodyRetry = 6 * time.Second
)

// moody is a server that sends the first visitor away for moodyAfter, the second one, whom it let in, for moodyRetry, and keeps the third. Safe for
// concurrent use.
type moody struct {
	addr string

	mu   sync.Mutex
	came map[string][]time.Time // guarded by mu: by path
}

func newMoody(t testing.TB) *moody {
	t.Helper()
	m := &moody{came: map[string][]time.Time{}}
	server := httptest.NewServer(m)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	m.addr = server.Listener.Addr().String()
	return m
}

// visits returns when somebody came to the path.
func (m *moody) visits(path string) []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.came[path])
}

// count returns the number of a visit.
func (m *moody) count(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.came[path] = append(m.came[path], time.Now())
	return len(m.came[path])
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	asks := r.Header.Get("Upgrade") == "" && !strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	n := 1
	if !asks { // a page that only asks why it was sent away is no visitor
		n = m.count(r.URL.Path)
	}
	switch {
	case n == 1:
		w.Header().Set("Retry-After", fmt.Sprint(moodyAfter.Seconds()))
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/ws":
		m.socket(w, r, n)
	default:
		m.stream(w, r, n)
	}
}

func (m *moody) socket(w http.ResponseWriter, r *http.Request, n int) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"tickgate.v1"}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	if _, _, err := conn.Read(r.Context()); err == nil && n == 2 {
		_ = conn.Close(websocket.StatusTryAgainLater, fmt.Sprintf("retry=%d", moodyRetry.Milliseconds()))
		return
	}
	_, _, _ = conn.Read(r.Context())
}

func (m *moody) stream(w http.ResponseWriter, r *http.Request, n int) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	if _, err := fmt.Fprintf(w, "retry: %d\n\n", moodyRetry.Milliseconds()); err != nil || n == 2 {
		return
	}
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}
