package keyset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tickgate/internal/auth/tokentest"
)

// provider is the server of a key set, without a network: a bubble of synctest has none.
type provider struct {
	mu     sync.Mutex
	body   string // what it answers; an error if empty
	delay  time.Duration
	asked  int
	status int
}

func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	body, delay, status := p.body, p.delay, p.status
	p.asked++
	p.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if body == "" {
		return nil, errors.New("connection refused")
	}
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req, Header: http.Header{}}, nil
}

func (p *provider) set(body string, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body, p.delay = body, delay
}

func (p *provider) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// running starts a Remote in the current bubble; it is stopped with the test.
func running(t *testing.T, p *provider, cfg RemoteConfig) *Remote {
	t.Helper()
	cfg.URL, cfg.Transport = "https://user:hush@issuer.example/keys?secret=hush", p
	r, err := NewRemote(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
	return r
}

func TestRemoteRefreshes(t *testing.T) {
	a, b := tokentest.EdDSA("a"), tokentest.EdDSA("b")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{body: tokentest.Set(a)}
		r := running(t, p, RemoteConfig{})
		old := r.Keys()
		if fmt.Sprint(old) != `[key "a" (EdDSA)]` {
			t.Fatalf("got %v, want a", old)
		}
		p.set(tokentest.Set(a, b), 0)
		time.Sleep(8 * time.Minute)
		if p.requests() != 1 {
			t.Errorf("got %d fetches in 8 minutes, want 1", p.requests())
		}
		time.Sleep(4 * time.Minute)
		keys := r.Keys()
		if len(keys) != 2 || keys[0] != old[0] || keys[0].Retired() {
			t.Errorf("got %v, want the same a, and b", keys)
		}
		p.set(tokentest.Set(b), 0)
		time.Sleep(12 * time.Minute)
		if now := r.Keys(); len(now) != 1 || now[0] != keys[1] || !old[0].Retired() {
			t.Errorf("got %v, a retired: %v, want b, and a retired", now, old[0].Retired())
		}
	})
}

// TestRemoteAwait: who misses a key makes a fetch happen, but not more often than MinInterval.
func TestRemoteAwait(t *testing.T) {
	a, b := tokentest.EdDSA("a"), tokentest.EdDSA("b")
	synctest.Test(t, func(t *testing.T) {
		p := &provider{body: tokentest.Set(a)}
		r := running(t, p, RemoteConfig{})
		called := 0
		if r.Await(func() { called++ }) {
			t.Error("got a fetch right behind another, want none")
		}
		time.Sleep(11 * time.Second)
		p.set(tokentest.Set(b), time.Second)
		for range 1000 {
			if !r.Await(func() { called++ }) {
				t.Fatal("got no fetch, want one")
			}
		}
		synctest.Wait()
		if !r.Await(func() { called++ }) {
			t.Error("got no place in the fetch under way, want one")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if called != 1001 || p.requests() != 2 || r.Keys()[0].ID() != "b" {
			t.Errorf("got %d calls, %d fetches, %v, want 1001, 2, b", called, p.requests(), r.Keys())
		}
		for range 1000 {
			r.Await(func() { called++ })
			time.Sleep(time.Second)
		}
		if got := p.requests(); got > 2+1000/11+1 {
			t.Errorf("got %d fetches in 1000 s, want at most one in 11", got)
		}
	})
}

// TestRemoteStale: an outage leaves the last good keys in place, for a time.
func TestRemoteStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []error
		p := &provider{body: tokentest.Set(tokentest.EdDSA("a"))}
		r := running(t, p, RemoteConfig{MaxStale: time.Hour, Report: func(err error) { reports = append(reports, err) }})
		key := r.Keys()[0]
		for _, body := range []string{"", `{"keys":[]}`, strings.Repeat("x", maxBody+1)} {
			p.set(body, 0)
			time.Sleep(15 * time.Minute)
			if len(r.Keys()) != 1 || key.Retired() {
				t.Fatalf("got %v, retired: %v, want the old key", r.Keys(), key.Retired())
			}
		}
		time.Sleep(40 * time.Minute)
		if r.Keys() != nil || !key.Retired() {
			t.Errorf("got %v, retired: %v, want no key after an hour", r.Keys(), key.Retired())
		}
		p.set(tokentest.Set(tokentest.EdDSA("a")), 0)
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		if len(r.Keys()) != 1 {
			t.Errorf("got %v, want the new key", r.Keys())
		}
		if text := fmt.Sprint(reports); strings.Contains(text, "hush") || !strings.Contains(text, "https://issuer.example/keys") || reports[0] != nil {
			t.Errorf("got %s, want reports of the place without secrets", text)
		}
	})
}

// TestRemoteBacksOff: a provider that is down is asked ever more seldom, and one that hangs is given up.
func TestRemoteBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		r := running(t, p, RemoteConfig{})
		time.Sleep(time.Hour)
		if got := p.requests(); got < 8 || got > 15 || r.Keys() != nil {
			t.Errorf("got %d fetches in an hour, %v, want about 11", got, r.Keys())
		}
		p.set(tokentest.Set(tokentest.EdDSA("a")), time.Hour)
		time.Sleep(time.Minute)
		done := make(chan time.Duration, 1)
		waited := time.Now()
		for !r.Await(func() { done <- time.Since(waited) }) { // the last fetch may have been a moment ago
			time.Sleep(time.Second)
			waited = time.Now()
		}
		if took := <-done; took > 6*time.Second || r.Keys() != nil {
			t.Errorf("got an answer after %v, %v, want none after the timeout of 5 s", took, r.Keys())
		}
	})
}

// TestRemoteStops: at its end nobody is left waiting.
func TestRemoteStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{delay: time.Second}
		r, err := NewRemote(RemoteConfig{URL: "https://issuer.example/", Transport: p})
		if err != nil {
			t.Fatal(err)
		}
		called := false
		if !r.Await(func() { called = true }) {
			t.Error("got no fetch before Run, want to wait for it")
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		r.Run(ctx)
		if !called {
			t.Error("got no call, want one")
		}
		time.Sleep(time.Hour)
		if r.Await(func() {}) {
			t.Error("got a place behind the end, want none")
		}
	})
}

func TestNewRemote(t *testing.T) {
	for _, tc := range []struct {
		url string
		ok  bool
	}{
		{"https://issuer.example/jwks.json", true},
		{"http://127.0.0.1:8000/jwks.json", true},
		{"http://[::1]:8000/jwks.json", true},
		{"http://localhost/jwks.json", true},
		{"http://issuer.example/?hush", false},
		{"http://user:hush@127.0.0.2.example/", false},
		{"file:///etc/hush", false},
		{"issuer.example/hush", false},
		{"https://hush\x7f", false},
		{"", false},
	} {
		_, err := NewRemote(RemoteConfig{URL: tc.url})
		if (err == nil) != tc.ok || err != nil && (!errors.Is(err, ErrKey) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%q: got %v, want success: %v", tc.url, err, tc.ok)
		}
	}
}

// TestFetch goes over a real connection.
func TestFetch(t *testing.T) {
	good := tokentest.Set(tokentest.EdDSA("a"))
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good) })
	mux.Handle("/moved", http.RedirectHandler("/good", http.StatusFound))
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(" ", maxBody)+good)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, tc := range []struct{ path, want string }{
		{"/good", ""},
		{"/moved", "status 302: redirects are not followed"},
		{"/none", "status 404"},
		{"/long", "longer than 262144 bytes"},
	} {
		r, err := NewRemote(RemoteConfig{URL: srv.URL + tc.path + "?hush"})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := r.fetch(t.Context())
		if (err == nil) != (tc.want == "") || err == nil && len(keys) != 1 {
			t.Errorf("%s: got %v, %v, want %q", tc.path, keys, err, tc.want)
		}
		if err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: got %v, want %q", tc.path, err, tc.want)
		}
	}
}
