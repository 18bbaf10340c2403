package auth

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tickgate/internal/auth/keyset"
)

// provider is the server of a key set, without a network: a bubble of synctest has none.
type provider struct {
	mu    sync.Mutex
	body  string // what it answers; an error if empty
	delay time.Duration
	asked int
}

func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	body, delay := p.body, p.delay
	p.asked++
	p.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if body == "" {
		return nil, errDown
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: req, Header: http.Header{}}, nil
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

// remoteVerifier returns a verifier with p's keys, on the bubble's clock.
func remoteVerifier(t *testing.T, p *provider, maxPending int) *Verifier {
	t.Helper()
	r, err := keyset.NewRemote(keyset.RemoteConfig{URL: "https://issuer.example/keys", Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	return newVerifier(t, Config{Remote: r, MaxPending: maxPending})
}

// lasting is a payload that is valid whatever the clock shows.
func lasting() string { return payload("exp", "33000000000") }
