package session

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tickgate/internal/auth"
	"tickgate/internal/hub"
)

// TestOrigins: which pages may connect, and whose scripts may read the answers.
func TestOrigins(t *testing.T) {
	const app, evil, sub = "https://app.example", "https://evil.example", "https://a.sub.example"
	listed := auth.NewOrigins([]string{app, "https://*.sub.example"})
	for _, tc := range []struct {
		name        string
		access      Access
		origin      string
		ws          int
		cors        string // Access-Control-Allow-Origin of streams, refusals and preflights
		credentials bool
	}{
		{"no list", Access{}, evil, 101, "*", false},
		{"no list, no origin", Access{}, "", 101, "*", false},
		{"listed", Access{Origins: listed}, app, 101, app, false},
		{"listed by a wildcard", Access{Origins: listed}, sub, 101, sub, false},
		{"not listed", Access{Origins: listed}, evil, 403, "", false},
		{"no origin", Access{Origins: listed}, "", 101, "", false},
		{"listed, with cookies", Access{Origins: listed, Cookie: "c"}, app, 101, app, true},
		{"not listed, with cookies", Access{Origins: listed, Cookie: "c"}, evil, 403, "", false},
		{"all, one with cookies", Access{Origins: auth.NewOrigins([]string{"*", app}), Cookie: "c"}, app, 101, app, true},
		{"all, not the one with cookies", Access{Origins: auth.NewOrigins([]string{"*", app}), Cookie: "c"}, evil, 101, "*", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := serve(t, Config{Access: tc.access}, hub.TopicConfig{})
			var fields []string
			if tc.origin != "" {
				fields = []string{"Origin: " + tc.origin}
			}
			g.dial().open(request("/ws", append(slices.Clone(upgrade), fields...)...), tc.ws)
			for what, head := range map[string]string{
				"stream":    request("/sse", fields...),
				"refusal":   request("/sse?nonsense", fields...),
				"HEAD":      strings.Replace(request("/sse", fields...), "GET", "HEAD", 1),
				"preflight": strings.Replace(request("/sse", fields...), "GET", "OPTIONS", 1),
			} {
				checkCORS(t, what, g.dial().ask(head), tc.cors, tc.credentials)
			}
		})
	}
}

// ask sends a request and returns the fields of the answer.
func (c *client) ask(request string) http.Header {
	c.t.Helper()
	c.write(request)
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = c.Close()
	return resp.Header
}

func checkCORS(t *testing.T, what string, head http.Header, origin string, credentials bool) {
	t.Helper()
	if got := head.Get("Access-Control-Allow-Origin"); got != origin {
		t.Errorf("%s: got Access-Control-Allow-Origin %q, want %q", what, got, origin)
	}
	if got := head.Get("Access-Control-Allow-Credentials") == "true"; got != credentials {
		t.Errorf("%s: got credentials %t, want %t", what, got, credentials)
	}
	if got, want := head.Get("Vary") == "Origin", origin != "" && origin != "*"; got != want {
		t.Errorf("%s: got Vary: Origin %t, want %t", what, got, want)
	}
	if got := head.Get("Access-Control-Allow-Methods") != ""; got != (what == "preflight" && origin != "") {
		t.Errorf("%s: got Access-Control-Allow-Methods %t", what, got)
	}
}
