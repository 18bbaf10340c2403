package admin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func process(metrics string) http.Handler {
	return WorkerHandler(Process{Metrics: page(metrics), Status: func() any { return map[string]int{"conns": 7} }})
}

func TestPages(t *testing.T) {
	_, base := start(t, Config{}, Local("supervisor", process("s 1\n")), Local("0", process("a 1\n")))
	for _, tt := range []struct {
		path, contentType, want string
		status                  int
	}{
		{"/debug/", "text/html; charset=utf-8", `href="/debug/pprof/worker/0/"`, 200},
		{"/metrics", textFormat, "supervisor: s 1 err=<nil>\n0: a 1 err=<nil>\n", 200},
		{"/healthz", "application/json", `{"status":"ok"}`, 200},
		{"/readyz", "application/json", `{"status":"ready"}`, 200},
		{"/debug/pprof", "text/html; charset=utf-8", "goroutine", 200},
		{"/debug/pprof/goroutine?debug=1", "text/plain; charset=utf-8", "# worker 0\ngoroutine profile:", 200},
		{"/debug/pprof/worker/0/", "text/html; charset=utf-8", "full goroutine stack dump", 200},
		{"/debug/pprof/worker/0/cmdline", "text/plain; charset=utf-8", "admin.test", 200},
		{"/debug/pprof/worker/9/heap", "text/plain; charset=utf-8", `no worker "9"`, 404},
		{"/debug/pprof/trace?seconds=1", "text/plain; charset=utf-8", "take /debug/pprof/worker/supervisor/trace or /debug/pprof/worker/0/trace", 400},
		{"/debug/pprof/nonsense", "text/plain; charset=utf-8", `no profile "nonsense"`, 404},
		{"/debug/pprof/profile?seconds=601", "text/plain; charset=utf-8", "seconds=601: not a whole number from 1 to 600", 400},
		{"/debug/pprof/worker/0/profile?seconds=x", "text/plain; charset=utf-8", "seconds=x: not a whole number", 400},
		{"/debug/pprof/worker/0/trace?seconds=-1", "text/plain; charset=utf-8", "seconds=-1: not a number from 0 to 600", 400},
		{"/nothing", "text/plain; charset=utf-8", "not found", 404},
	} {
		resp, body := get(t, base+tt.path)
		if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != tt.contentType || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d, %s, %q, want %d, %s, %q",
				tt.path, resp.StatusCode, resp.Header.Get("Content-Type"), body, tt.status, tt.contentType, tt.want)
		}
	}
}

func TestMethods(t *testing.T) {
	_, base := start(t, Config{}, Local("0", process("a 1\n")))
	resp, err := http.Post(base+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: got %d, want 405", resp.StatusCode)
	}
}

func TestHandle(t *testing.T) {
	s, err := Listen(Config{Addr: "localhost:0", Workers: func() []Worker { return nil }, Readiness: NewReadiness()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Shutdown(t.Context()) }()
	s.Handle("POST /v1/topics/{topic}", page("published"))
	for origin, want := range map[string]int{"": 200, "http://localhost": 200, "http://evil.example": 403} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/topics/a", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Origin %q: got %d, want %d", origin, w.Code, want)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	var sick error
	busDown := errors.New("connecting")
	ready := NewReadiness("listeners")
	ready.Check("bus", func() error { return busDown })
	_, base := start(t, Config{Readiness: ready, Health: func() error { return sick }}, Local("0", process("")))
	expect := func(path string, status int, want string) {
		t.Helper()
		if resp, body := get(t, base+path); resp.StatusCode != status || strings.TrimSpace(body) != want {
			t.Errorf("%s: got %d %s, want %d %s", path, resp.StatusCode, body, status, want)
		}
	}
	expect("/readyz", 503, `{"status":"not ready","reasons":[{"name":"listeners","message":"starting"},{"name":"bus","message":"connecting"}]}`)
	expect("/healthz", 200, `{"status":"ok"}`)
	ready.Unblock("listeners")
	busDown = nil
	expect("/readyz", 200, `{"status":"ready"}`)
	ready.Block("drain", "draining")
	ready.Block("drain", "draining, 5s left")
	expect("/readyz", 503, `{"status":"not ready","reasons":[{"name":"drain","message":"draining, 5s left"}]}`)
	sick = errors.New("event loop 1 has been stuck for 10s")
	expect("/healthz", 503, `{"status":"unhealthy","reasons":[{"name":"health","message":"event loop 1 has been stuck for 10s"}]}`)
}

// A worker that hangs costs its own part of the page, and a few seconds.
func TestMetricsOfSlowWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		workers := []Worker{Local("0", process("a 1\n")), Local("1", hang)}
		s := &Server{config: Config{Workers: func() []Worker { return workers }, MergeMetrics: concat}}
		w := httptest.NewRecorder()
		began := time.Now()
		s.metrics(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		want := "0: a 1 err=<nil>\n1:  err=worker 1: context deadline exceeded\n"
		if got := w.Body.String(); w.Code != http.StatusOK || got != want {
			t.Errorf("got %d %q, want 200 %q", w.Code, got, want)
		}
		if took := time.Since(began); took != metricsTimeout {
			t.Errorf("got the page after %v, want %v", took, metricsTimeout)
		}
	})
}

func TestGather(t *testing.T) {
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not now\nreally", http.StatusServiceUnavailable)
	})
	pages := Gather(t.Context(), []Worker{Local("0", page("twenty bytes of body")), Local("1", page("twenty-one bytes body")), Local("2", refuse)}, "/x", 20)
	if got := string(pages[0].Body); got != "twenty bytes of body" || pages[0].Err != nil {
		t.Errorf("got %q, %v, want the body", got, pages[0].Err)
	}
	for i, want := range map[int]string{1: "worker 1: /x is larger than 20 bytes", 2: "worker 2: 503 Service Unavailable: not now"} {
		if err := pages[i].Err; err == nil || err.Error() != want {
			t.Errorf("worker %d: got error %v, want %s", i, err, want)
		}
	}
}

func TestStatus(t *testing.T) {
	body, err := fetch(t.Context(), Local("0", process("")), "/status", 100)
	if err != nil || string(body) != "{\"conns\":7}\n" {
		t.Errorf("got %q, %v, want the status as JSON", body, err)
	}
}

func TestPortTaken(t *testing.T) {
	s, _ := start(t, Config{}, Local("0", process("")))
	if _, err := Listen(Config{}); err == nil {
		t.Error("got no error without an address")
	}
	_, err := Listen(Config{Addr: s.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "--admin takes another address") {
		t.Errorf("got error %v, want one with the remedy", err)
	}
}

// Shutdown does not wait for a profile of a minute.
func TestShutdownBreaksProfilesOff(t *testing.T) {
	taking := make(chan struct{})
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(taking)
		<-r.Context().Done()
	})
	s, base := start(t, Config{}, Local("0", hang))
	answered := make(chan int, 1)
	go func() {
		resp, err := http.Get(base + "/debug/pprof/profile?seconds=60")
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-taking
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if got := <-answered; got != http.StatusBadGateway {
		t.Errorf("got status %d, want 502", got)
	}
}

// deadlines is a ResponseWriter that remembers the deadline for reading.
type deadlines struct {
	http.ResponseWriter
	read time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.read = t; return nil }

// TestBodiesHaveADeadline: a client that announces a body and does not send it must not keep a descriptor, also of a request
// that nobody reads; a request without one may take as long as a profile.
func TestBodiesHaveADeadline(t *testing.T) {
	handler := limitAnswer(http.NotFoundHandler())
	for body, want := range map[string]bool{"": false, "x": true} {
		d := &deadlines{ResponseWriter: httptest.NewRecorder()}
		handler.ServeHTTP(d, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
		if got := time.Until(d.read) > 0; got != want {
			t.Errorf("body %q: got deadline %v, want one: %v", body, d.read, want)
		}
	}
}
