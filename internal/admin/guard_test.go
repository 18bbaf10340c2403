package admin

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"": true, "localhost": true, "LOCALHOST:9090": true, "tickgate.localhost:9090": true,
		"127.0.0.1": true, "127.0.0.1:9090": true, "127.8.9.1": true, "[::1]": true, "[::1]:9090": true, "::1": true,
		"evil.example": false, "evil.example:9090": false, "localhost.evil.example": false, "notlocalhost": false,
		"10.0.0.1:9090": false, "0.0.0.0": false, "127.0.0.1.evil.example": false, "[::2]:1": false, "127.1": false,
	} {
		if got := loopbackHost(host); got != want {
			t.Errorf("%q: got %v, want %v", host, got, want)
		}
	}
}

// A page on the Internet whose name resolves to 127.0.0.1 gets nothing; the guard is off where the
// operator chose to listen beyond loopback.
func TestRebinding(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:0": http.StatusMisdirectedRequest, "0.0.0.0:0": http.StatusOK} {
		s, err := Listen(Config{Addr: addr, Workers: func() []Worker { return nil }, Readiness: NewReadiness()})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://evil.example/healthz", nil))
		if w.Code != want {
			t.Errorf("%s: got %d for another host, want %d", addr, w.Code, want)
		}
		_ = s.listener.Close()
	}
}

// TestOtherSites: pages elsewhere may link to the listener, and neither load anything from it nor publish; without a
// browser's headers everything is allowed.
func TestOtherSites(t *testing.T) {
	s, _ := start(t, Config{}, Local("0", process("a 1\n")))
	s.Handle("POST /v1/topics/{topic}", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tt := range []struct {
		method, path, site, dest, origin string
		want                             int
	}{
		{http.MethodGet, "/healthz", "", "", "", 200},
		{http.MethodGet, "/healthz", "none", "document", "", 200},
		{http.MethodGet, "/healthz", "same-origin", "empty", "", 200},
		{http.MethodGet, "/healthz", "cross-site", "document", "", 200},
		{http.MethodGet, "/healthz", "cross-site", "image", "", 403},
		{http.MethodGet, "/healthz", "cross-site", "iframe", "", 403},
		{http.MethodGet, "/healthz", "same-site", "empty", "", 403},
		{http.MethodPost, "/v1/topics/a", "", "", "", 200},
		{http.MethodPost, "/v1/topics/a", "same-origin", "empty", "http://127.0.0.1:9090", 200},
		{http.MethodPost, "/v1/topics/a", "cross-site", "empty", "http://evil.example", 403},
		{http.MethodPost, "/v1/topics/a", "cross-site", "document", "http://evil.example", 403}, // a form
		{http.MethodPost, "/v1/topics/a", "same-site", "empty", "http://127.0.0.1:3000", 403},
		{http.MethodPost, "/v1/topics/a", "", "", "http://127.0.0.1:3000", 403}, // a browser without fetch metadata
		{http.MethodPost, "/v1/topics/a", "", "", "null", 403},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tt.method, "http://127.0.0.1:9090"+tt.path, nil)
		for name, value := range map[string]string{"Sec-Fetch-Site": tt.site, "Sec-Fetch-Dest": tt.dest, "Origin": tt.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%+v: got %d", tt, w.Code)
		}
	}
}
