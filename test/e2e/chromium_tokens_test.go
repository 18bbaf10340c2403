package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// tokenReport is what chromium_tokens.html posts: what became of each way to connect.
type tokenReport struct {
	CookieStream, CookieLeftOut, CookieSocket, QueryStream, QuerySocket, Header, NoToken, Brief string
}

// tokenPage serves the page from an origin of its own, and tokens that soon expire. The page has the token as a cookie, which
// goes to every port of the host: that is what a page of another site on it could abuse.
func tokenPage(t *testing.T, token string, brief func() string) (origin string, reports <-chan tokenReport) {
	t.Helper()
	posted := make(chan tokenReport, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: token, Path: "/", HttpOnly: true})
		http.ServeFile(w, r, "chromium_tokens.html")
	})
	mux.HandleFunc("GET /brief", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, brief()) })
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var report tokenReport
		if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
			t.Errorf("the page's report: %v", err)
		}
		posted <- report
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, posted
}

// TestChromiumTokens: what pages of a listed and of a foreign origin get in a real browser, which sends the cookie for both.
func TestChromiumTokens(t *testing.T) {
	t.Parallel()
	chromium := need(t, "chromium")
	i := newIssuer(t)
	grants := `{"subscribe":["ticks"]}`
	token := i.hs.Sign(claims("tickgate", grants))
	brief := func() string {
		return i.hs.Sign(claims("tickgate", grants, "exp", fmt.Sprint(time.Now().Add(12*time.Second).Unix())))
	}
	app, fromApp := tokenPage(t, token, brief)
	evil, fromEvil := tokenPage(t, token, brief)
	g := i.start(t, map[string]string{"feed": "sim", "default-topic": "ticks", "token-cookie": "session", "origins": app})
	for _, tt := range []struct {
		origin  string
		reports <-chan tokenReport
		want    tokenReport
	}{
		{app, fromApp, tokenReport{
			CookieStream: "message", CookieLeftOut: "refused", CookieSocket: "message", QueryStream: "message", QuerySocket: "message",
			Header: "status 200", NoToken: "status 401", Brief: "message, then refused",
		}},
		{evil, fromEvil, tokenReport{
			CookieStream: "refused", CookieLeftOut: "refused", CookieSocket: "refused", QueryStream: "refused", QuerySocket: "refused",
			Header: "blocked", NoToken: "blocked", Brief: "refused",
		}},
	} {
		query := url.Values{"gateway": {g.Addr}, "token": {token}}
		browse(t, chromium, tt.origin+"/page?"+query.Encode())
		select {
		case got := <-tt.reports:
			if got != tt.want {
				t.Errorf("page of %s: got %+v, want %+v", tt.origin, got, tt.want)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("got no report from the page of %s within two minutes", tt.origin)
		}
	}
}
