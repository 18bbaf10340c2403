package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestTokens is the table of tokens and outcomes, at a gateway of one process and at one of several; and what all of them
// are shown holds no secret.
func TestTokens(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"1", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			g := i.start(t, map[string]string{
				"workers": workers, "token-cookie": "session", "origins": "https://app.example,https://*.app.example",
			})
			var shown strings.Builder
			for _, a := range i.attempts() {
				for _, path := range []string{"/sse", "/ws"} {
					want := a.status
					if path == "/ws" && want == http.StatusOK {
						want = http.StatusSwitchingProtocols
					}
					status, refusal := try(t, g, path, a)
					if status != want || !strings.Contains(refusal, a.code) {
						t.Errorf("%s %s: got %d %s, want %d %s", path, a.name, status, refusal, want, a.code)
					}
					shown.WriteString(refusal + "\n")
				}
			}
			shown.WriteString(i.publishAttempts(t, g))
			shown.WriteString(i.envelopeAttempts(t, g))
			checkTokenMetrics(t, g)
			i.checkSecrecy(t, g, shown.String())
		})
	}
}

// publishAttempts publishes with tokens and returns what the refusals say.
func (i *issuer) publishAttempts(t *testing.T, g *gateway) (shown string) {
	t.Helper()
	good := i.note(i.hs.Sign(claims("sub", `"publisher"`)))
	for _, a := range []struct {
		name, token, topic string
		status             int
		code               string
	}{
		{"HS256", good, "chat.a", 200, ""},
		{"EdDSA", i.note(i.ed.Sign(claims("sub", `"publisher"`))), "chat.a", 200, ""},
		{"no token", "", "chat.a", 401, "unauthorized"},
		{"expired", i.note(i.hs.Sign(claims("exp", "1000000001"))), "chat.a", 401, "unauthorized"},
		{"a topic that is not granted", good, "price.A", 403, "forbidden"},
		{"a topic below the granted ones", good, "chat.a.b", 403, "forbidden"},
	} {
		header := http.Header{}
		if a.token != "" {
			header = bearer(a.token)
		}
		status, r := publish(t, g, a.topic, "x", header)
		if status != a.status || r.Error != a.code {
			t.Errorf("publish, %s: got %d %q, want %d %q", a.name, status, r.Error, a.status, a.code)
		}
		shown += fmt.Sprintf("%+v\n", r)
	}
	return shown + i.publishLines(t, g, good)
}

// publishLines publishes a pipeline, of which the token grants one line.
func (i *issuer) publishLines(t *testing.T, g *gateway, token string) string {
	t.Helper()
	lines := `{"topic":"chat.a","data":1}` + "\n" + `{"topic":"price.A","data":1}` + "\n"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.Admin+"/v1/messages", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = bearer(token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if results := strings.Split(string(body), "\n"); err != nil || len(results) != 3 || !strings.Contains(results[0], `"id"`) || !strings.Contains(results[1], "forbidden") {
		t.Errorf("pipeline: got %q, %v, want a stored line and a forbidden one", body, err)
	}
	return string(body)
}

// checkTokenMetrics: each kind of refusal is counted under its reason.
func checkTokenMetrics(t *testing.T, g *gateway) {
	t.Helper()
	samples := g.scrape(t)
	for _, reason := range []string{
		"missing", "malformed", "expired", "claims", "not_yet_valid", "audience", "algorithm", "signature", "forbidden", "conflict",
	} {
		if n := sum(samples, "tickgate_token_refusals_total", `reason="`+reason+`"`); n < 2 {
			t.Errorf("got %v refusals for %s, want some", n, reason)
		}
	}
	for name, least := range map[string]float64{"tickgate_tokens_accepted_total": 14, "tickgate_tokens_cached": 4} {
		if n := sum(samples, name); n < least {
			t.Errorf("got %s %v, want at least %v", name, n, least)
		}
	}
	if n := sum(samples, "tickgate_token_key_refreshes_total", `outcome="ok"`); n < 1 {
		t.Errorf("got %v fetches of keys, want some", n)
	}
	for _, code := range []string{"unauthorized", "forbidden", "origin_not_allowed"} {
		if n := sum(samples, "tickgate_refusals_total", `reason="`+code+`"`); n < 1 {
			t.Errorf("got %v refusals with %s, want some", n, code)
		}
	}
}

// TestOpenWithoutTokenKeys: a gateway without keys says once that everybody subscribes.
func TestOpenWithoutTokenKeys(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2"}})
	if n := strings.Count(g.log.String(), "subscribing is open to everybody"); n != 1 {
		t.Errorf("got it said %d times that subscribing is open, want once", n)
	}
	if status, refusal := try(t, g, "/sse", attempt{header: bearer("rubbish")}); status != http.StatusOK {
		t.Errorf("got %d %s for a token that nobody asked for, want 200", status, refusal)
	}
}
