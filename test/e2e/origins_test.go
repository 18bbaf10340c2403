package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestOriginsAndPreflight: what a browser asks before a page may send a token, and what it looks for in the answer.
func TestOriginsAndPreflight(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"origins": "https://app.example,https://*.app.example"}})
	for origin, allowed := range map[string]bool{"https://app.example": true, "https://x.app.example": true, "https://evil.example": false, "null": false} {
		for _, method := range []string{"OPTIONS", "HEAD"} {
			got := exchange(t, g.Addr, method+" /sse HTTP/1.1\r\nHost: x\r\nOrigin: "+origin+"\r\nAccess-Control-Request-Method: GET\r\n"+
				"Access-Control-Request-Headers: authorization\r\n\r\n")
			want := ""
			if allowed {
				want = origin
			}
			if allow := got.header.Get("Access-Control-Allow-Origin"); allow != want || got.status >= 300 {
				t.Errorf("%s from %s: got %d and Access-Control-Allow-Origin %q, want %q", method, origin, got.status, allow, want)
			}
			if vary := got.header.Get("Vary") == "Origin"; vary != allowed {
				t.Errorf("%s from %s: got Vary: Origin %t", method, origin, vary)
			}
			if headers := got.header.Get("Access-Control-Allow-Headers"); allowed && method == "OPTIONS" && !strings.Contains(headers, "Authorization") {
				t.Errorf("%s from %s: got Access-Control-Allow-Headers %q, want Authorization in it", method, origin, headers)
			}
		}
		want := []int{http.StatusForbidden, http.StatusSwitchingProtocols}
		status, refusal := try(t, g, "/ws", attempt{header: http.Header{"Origin": {origin}}})
		if allowed != (status == want[1]) || !slices.Contains(want, status) || !allowed && !strings.Contains(refusal, "origin_not_allowed") {
			t.Errorf("WebSocket from %s: got %d %s", origin, status, refusal)
		}
	}
}
