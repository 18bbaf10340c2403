package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
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

// envelopeAttempts sends tokens as commands of tickgate.v1, where they belong and where they do not, and returns the answers.
func (i *issuer) envelopeAttempts(t *testing.T, g *gateway) (answers string) {
	t.Helper()
	dialer := ws.Dialer{Protocols: []string{"tickgate.v1"}, Timeout: 10 * time.Second}
	good, bad := i.note(i.hs.Sign(claims("sub", `"envelope"`))), i.note(i.hs.Sign(claims("exp", "1000000002")))
	conn, _, _, err := dialer.Dial(t.Context(), "ws://"+g.Addr+"/ws?access_token="+good)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ command, want string }{
		{`{"t":"auth","ref":1,"token":"` + bad + `"}`, "unauthorized"},
		{`{"t":"auth","ref":2,"token":"` + good + `"}`, `"ok"`},
		{`{"t":"auth","ref":3,"token":"` + good + `.` + bad + `"}`, "unauthorized"},
		{`{"t":"auth","ref":4,"password":"` + good + `"}`, "error"},
		{`{"t":"auth","ref":5,"` + good + `":""}`, "error"},
		{`{"t":"` + good + `","ref":6}`, "error"},
		{`{"t":"auth","ref":7,"token":["` + good + `"]}`, "error"},
		{`{"t":"auth","ref":8,"token":"` + good, "error"},
		{`{"t":"sub","ref":9,"topics":["fx"]}`, "forbidden"},
		{`{"t":"pub","ref":10,"topic":"price.A","data":1}`, "forbidden"},
	} {
		if err := wsutil.WriteClientText(conn, []byte(c.command)); err != nil {
			t.Fatal(err)
		}
		answer, err := wsutil.ReadServerText(conn)
		if err != nil {
			t.Fatalf("the answer to %.40s: %v", c.command, err)
		}
		if !strings.Contains(string(answer), c.want) {
			t.Errorf("got %s for %.40s, want %s", answer, c.command, c.want)
		}
		answers += string(answer) + "\n"
	}
	return answers
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
