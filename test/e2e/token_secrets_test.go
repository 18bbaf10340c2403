package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// checkSecrecy searches everything that the gateway shows for tokens and secrets.
func (i *issuer) checkSecrecy(t *testing.T, g *gateway, refusals string) {
	t.Helper()
	outputs := map[string]string{"refusals": refusals, "log": g.log.String()}
	for _, page := range []string{
		"/metrics", "/healthz", "/readyz", "/debug/ticks", "/v1/topics", "/v1/connections", "/debug/pprof/worker/0/cmdline",
		"/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1",
	} {
		outputs[page] = fetch(t, "http://"+g.Admin+page)
	}
	for where, text := range outputs {
		if where != "refusals" && text == "" {
			t.Errorf("got nothing from %s, want something to search", where)
		}
		for _, secret := range i.secrets() {
			if strings.Contains(text, secret) {
				t.Errorf("got %.60s… in %s, want no secret there", secret, where)
			}
		}
	}
}

// TestTokensAreNotShownAtTheEnd: neither problems with settings nor those with keys show a secret, on either output.
func TestTokensAreNotShownAtTheEnd(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdefFEDCBA9876543210"
	short := filepath.Join(t.TempDir(), "short")
	writeFile(t, short, secret[:20])
	public := newIssuer(t).publicFile
	for _, tt := range []struct {
		name, keys string
		code       int
		says       string
	}{
		{"a secret in the place of its file", "hs256:" + secret, 1, "name a file"},
		{"a secret alone", secret, 1, "name a file"},
		{"a short secret", "hs256:" + short, 1, "at least 32"},
		{"a public key as secret", "hs256:" + public, 1, "leave hs256: out"},
		{"a password in the URL", "https://user:" + secret + "@issuer.example/", 2, "a user in the URL"},
		{"a secret as a URL", "https://" + secret + ":" + secret, 2, "not a URL"},
	} {
		got := runToEnd(t, startWithin, gatewayLine(map[string]string{"token-keys": tt.keys})...)
		if got.code != tt.code || !strings.Contains(got.output, tt.says) || strings.Contains(got.output, secret[:20]) {
			t.Errorf("%s: got exit code %d and %q, want %d and %q, and no secret", tt.name, got.code, got.output, tt.code, tt.says)
		}
	}
}
