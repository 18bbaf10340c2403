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
