package session

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
	"tickgate/internal/hub"
)

// signers are the issuers of the tests: one of each algorithm. Making an RSA key takes a while.
var signers = sync.OnceValue(func() (s struct{ hs, rs, es, ed *tokentest.Signer }) {
	s.hs = tokentest.HS256("", []byte("a secret of more than 32 bytes, for tests only"))
	s.rs, s.es, s.ed = tokentest.RS256("rs", 2048), tokentest.ES256("es"), tokentest.EdDSA("ed")
	return s
})

// allKeys are those that verify the tokens of signers.
func allKeys(t testing.TB) []*keyset.Key {
	t.Helper()
	s := signers()
	secret, err := keyset.HMAC("", []byte("a secret of more than 32 bytes, for tests only"))
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := keyset.ParseJWKS([]byte(tokentest.Set(s.rs, s.es, s.ed)))
	if err != nil {
		t.Fatal(err)
	}
	return append(public, secret)
}

// verifier returns one that ends with the test; its gateway must be made after it.
func verifier(t testing.TB, cfg auth.Config) *auth.Verifier {
	t.Helper()
	v := auth.New(cfg)
	t.Cleanup(v.Close)
	return v
}

// claims returns a token's payload: it grants ticks and what lies below price, and expires in an hour. Changes are pairs of
// a claim and its JSON; an empty one takes the claim away.
func claims(changes ...string) string {
	c := map[string]json.RawMessage{
		"exp": expires(time.Hour), "aud": json.RawMessage(`"gateway"`), "tickgate": json.RawMessage(`{"subscribe":["ticks","price.>"]}`),
	}
	for i := 0; i < len(changes); i += 2 {
		if c[changes[i]] = json.RawMessage(changes[i+1]); changes[i+1] == "" {
			delete(c, changes[i])
		}
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(b)
}

// expires returns the claim of a time from now.
func expires(d time.Duration) json.RawMessage {
	return fmt.Appendf(nil, "%.1f", float64(time.Now().Add(d).UnixMilli())/1000)
}

// attempt is a request and what becomes of it.
type attempt struct {
	name    string
	query   string // behind the path
	fields  []string
	status  int // of an event stream; a WebSocket gets 101 for 200
	code    string
	counted string // reason, in the verifier's counts; "" if it is not its business
}

func bearerOf(token string) []string { return []string{"Authorization: Bearer " + token} }

// signatures are tokens with good claims.
func signatures() []attempt {
	s := signers()
	confused := tokentest.HS256("rs", s.rs.PEM())
	return []attempt{
		{"HS256", "", bearerOf(s.hs.Sign(claims())), 200, "", ""},
		{"RS256", "", bearerOf(s.rs.Sign(claims())), 200, "", ""},
		{"ES256", "", bearerOf(s.es.Sign(claims())), 200, "", ""},
		{"EdDSA", "", bearerOf(s.ed.Sign(claims())), 200, "", ""},
		{"none at all", "", nil, 401, "unauthorized", "missing"},
		{"alg none", "", bearerOf(tokentest.Unsigned(`{"alg":"none"}`, claims()) + "."), 401, "unauthorized", "algorithm"},
		{"public key as secret", "", bearerOf(confused.SignHeader(`{"alg":"HS256"}`, claims())), 401, "unauthorized", "signature"},
		{"public key as secret, with its id", "", bearerOf(confused.Sign(claims())), 401, "unauthorized", "signature"},
		{"secret as public key", "", bearerOf(s.hs.SignHeader(`{"alg":"ES256","kid":"es"}`, claims())), 401, "unauthorized", "signature"},
		{"another secret", "", bearerOf(tokentest.HS256("", []byte(strings.Repeat("x", 40))).Sign(claims())), 401, "unauthorized", "signature"},
		{"another key of that id", "", bearerOf(tokentest.EdDSA("ed").Sign(claims())), 401, "unauthorized", "signature"},
		{"unknown key", "", bearerOf(tokentest.EdDSA("new").Sign(claims())), 401, "unauthorized", "unknown_key"},
		{"no token", "", bearerOf("rubbish"), 401, "unauthorized", "malformed"},
		{"long", "", nil, 401, "unauthorized", "too_long"}, // completed by the test
	}
}

// grants are tokens whose claims differ.
func grants() []attempt {
	sign := func(changes ...string) []string { return bearerOf(signers().hs.Sign(claims(changes...))) }
	return []attempt{
		{"expired", "", sign("exp", "1"), 401, "unauthorized", "expired"},
		{"no expiry", "", sign("exp", ""), 401, "unauthorized", "claims"},
		{"not yet", "", sign("nbf", string(expires(time.Hour))), 401, "unauthorized", "not_yet_valid"},
		{"another audience", "", sign("aud", `["shop"]`), 401, "unauthorized", "audience"},
		{"no audience", "", sign("aud", ""), 401, "unauthorized", "audience"},
		{"several audiences", "", sign("aud", `["shop","gateway"]`), 200, "", ""},
		{"no claim", "", sign("tickgate", ""), 403, "forbidden", "forbidden"},
		{"claim of another kind", "", sign("tickgate", `["ticks"]`), 401, "unauthorized", "claims"},
		{"unknown member of the claim", "", sign("tickgate", `{"subscribe":[">"],"deny":["ticks"]}`), 401, "unauthorized", "claims"},
		{"publishing only", "", sign("tickgate", `{"publish":[">"]}`), 403, "forbidden", "forbidden"},
		{"a topic", "?topic=price.A", sign(), 200, "", ""},
		{"another topic", "?topic=fx", sign(), 403, "forbidden", "forbidden"},
		{"another topic beside a granted one", "?topic=price.A&topic=fx", sign(), 403, "forbidden", "forbidden"},
		{"the prefix alone", "?topic=price", sign(), 403, "forbidden", "forbidden"},
		{"a wildcard beyond the claim", "?topic=*.A", sign(), 403, "forbidden", "forbidden"},
		{"everything", "?topic=%3E", sign(), 403, "forbidden", "forbidden"},
		{"everything, granted one level of it", "?topic=%3E", sign("tickgate", `{"subscribe":["*"]}`), 403, "forbidden", "forbidden"},
	}
}

// places are tokens in other places than the header.
func places() []attempt {
	token := signers().hs.Sign(claims())
	cookie := "Cookie: a=b; session=" + token
	return []attempt{
		{"query", "?access_token=" + token, nil, 200, "", ""},
		{"query, percent-encoded", "?access_token=" + strings.ReplaceAll(token, ".", "%2E"), nil, 200, "", ""},
		{"query and header", "?access_token=" + token, bearerOf(token), 200, "", ""},
		{"query and header that differ", "?access_token=" + token, bearerOf(token + "x"), 400, "bad_request", "conflict"},
		{"twice in the query", "?access_token=" + token + "&access_token=" + token, nil, 400, "bad_parameter", ""},
		{"another scheme", "", []string{"Authorization: Basic " + token}, 401, "unauthorized", "missing"},
		{"cookie of a listed origin", "", []string{cookie, "Origin: https://app.example"}, 200, "", ""},
		{"cookie of a foreign origin", "", []string{cookie, "Origin: https://evil.example"}, 403, "origin_not_allowed", ""},
		{"cookie of a sandbox", "", []string{cookie, "Origin: null"}, 403, "origin_not_allowed", ""},
		{"cookie without origin", "", []string{cookie}, 403, "origin_not_allowed", ""},
		{"cookie of the gateway's own pages", "", []string{cookie, "Sec-Fetch-Site: same-origin"}, 200, "", ""},
		{"cookie of a page of the same site", "", []string{cookie, "Sec-Fetch-Site: same-site"}, 403, "origin_not_allowed", ""},
		{"cookie beside a bad header", "", []string{cookie, "Authorization: Bearer rubbish", "Origin: https://app.example"}, 401, "unauthorized", "malformed"},
		{"another cookie", "", []string{"Cookie: other=" + token, "Origin: https://app.example"}, 401, "unauthorized", "missing"},
	}
}

// TestTokens is the table of tokens and outcomes, for both transports.
func TestTokens(t *testing.T) {
	v := verifier(t, auth.Config{Keys: allKeys(t), Audiences: []string{"gateway"}})
	g := serve(t, Config{
		HeaderBytes: 16 << 10,
		Access:      Access{Verifier: v, Cookie: "session", Origins: auth.NewOrigins([]string{"https://app.example"})},
	}, hub.TopicConfig{})
	g.send(hub.Publication{Topic: "price.A", Payload: []byte("1")})
	for _, tc := range slices.Concat(signatures(), grants(), places()) {
		if tc.name == "long" {
			tc.fields = bearerOf(strings.Repeat("x", auth.MaxToken+1))
		}
		before := v.Stats()
		for _, path := range []string{"/sse", "/ws"} {
			status, code, head := g.attempt(path, tc)
			want := tc.status
			if path == "/ws" && want == http.StatusOK {
				want = http.StatusSwitchingProtocols
			}
			if status != want || code != tc.code {
				t.Errorf("%s %s: got %d %q, want %d %q", path, tc.name, status, code, want, tc.code)
			}
			checkChallenge(t, path+" "+tc.name, status, tc.counted, head)
		}
		after := v.Stats()
		for _, r := range auth.Reasons() {
			want := uint64(0)
			if r.String() == tc.counted {
				want = 2
			}
			if got := after.Refused[r] - before.Refused[r]; got != want {
				t.Errorf("%s: got %d refusals counted as %v, want %d", tc.name, got, r, want)
			}
		}
	}
}

// attempt makes a request and ends the connection.
func (g *gateway) attempt(path string, tc attempt) (status int, code string, head http.Header) {
	g.t.Helper()
	fields := tc.fields
	if path == "/ws" {
		fields = append(slices.Clone(upgrade), fields...)
	}
	c := g.dial()
	defer func() { _ = c.Close() }()
	c.write(request(path+tc.query, fields...))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		g.t.Fatalf("%s: %v", tc.name, err)
	}
	if resp.StatusCode < 400 {
		return resp.StatusCode, "", resp.Header
	}
	var body struct{ Error, Message string }
	text, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	if err != nil || body.Message == "" {
		g.t.Errorf("%s: got %q (%v), want JSON with a message", tc.name, text, err)
	}
	return resp.StatusCode, body.Error, resp.Header
}

// checkChallenge holds the refusal of a token to RFC 6750 §3.
func checkChallenge(t *testing.T, name string, status int, counted string, head http.Header) {
	t.Helper()
	want := ""
	switch {
	case counted == "missing":
		want = `Bearer realm="tickgate"`
	case status == http.StatusUnauthorized:
		want = `Bearer realm="tickgate", error="invalid_token", error_description="`
	case counted == "forbidden":
		want = `Bearer realm="tickgate", error="insufficient_scope", error_description="`
	case counted == "conflict":
		want = `Bearer realm="tickgate", error="invalid_request", error_description="`
	}
	got := head.Get("WWW-Authenticate")
	if !strings.HasPrefix(got, want) || (want == "") != (got == "") || counted == "missing" && got != want {
		t.Errorf("%s: got challenge %q, want %q", name, got, want)
	}
}

// An expired token ends the session: a WebSocket with 1008, an event stream with the time to come back. A session whose
// token goes on does not end.
func TestExpiryOfOpenSessions(t *testing.T) {
	t.Parallel()
	g := serve(t, Config{Access: Access{Verifier: verifier(t, auth.Config{Keys: allKeys(t)})}}, hub.TopicConfig{})
	short, long := signers().hs.Sign(claims("exp", string(expires(2*time.Second)))), signers().hs.Sign(claims())
	w, s := g.ws("/ws?access_token="+short), g.sse("/sse?access_token="+short)
	stays := g.sse("/sse?access_token=" + long)
	g.subscribed(3)
	g.publish("before")
	s.event("id: e-1\ndata: before\n")
	stays.event("id: e-1\ndata: before\n")
	if code, reason := w.closeFrame(); code != 1008 || !strings.Contains(reason, "expired") {
		t.Errorf("got close %d %q, want 1008", code, reason)
	}
	if ms := s.retry(); ms < 1000 || ms > 5000 {
		t.Errorf("got retry %d ms, want 1 to 5 s", ms)
	}
	s.end()
	g.closed(TokenExpired, 2)
	g.dial().open(request("/sse?access_token="+short), http.StatusUnauthorized)
	g.publish("after")
	stays.event("id: e-2\ndata: after\n")
}

// issuer is a server of a key set that answers when it is let.
type issuer struct {
	*httptest.Server
	gate chan struct{} // closed: answer
	body func() string
}

func newIssuer(t *testing.T, body func() string) *issuer {
	t.Helper()
	i := &issuer{gate: make(chan struct{}), body: body}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-i.gate:
			_, _ = io.WriteString(w, i.body())
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(i.Close)
	return i
}

// verifier returns one with the issuer's keys.
func (i *issuer) verifier(t *testing.T) *auth.Verifier {
	t.Helper()
	r, err := keyset.NewRemote(keyset.RemoteConfig{URL: i.URL, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return verifier(t, auth.Config{Remote: r})
}

// While keys are fetched a handshake waits, and nobody waits for it: neither the loop nor other clients.
func TestHandshakeWaitsForKeys(t *testing.T) {
	t.Parallel()
	s := signers()
	from := newIssuer(t, func() string { return tokentest.Set(s.es) })
	v := from.verifier(t)
	g := serve(t, Config{HeaderTimeout: 2 * patience, Access: Access{Verifier: v}}, hub.TopicConfig{})
	good, bad := s.es.Sign(claims()), tokentest.ES256("es").Sign(claims())
	stream, socket, refused, gone, early := g.dial(), g.dial(), g.dial(), g.dial(), g.dial()
	stream.write(request("/sse?access_token=" + good))
	socket.write(request("/ws", append(slices.Clone(upgrade), bearerOf(good)...)...))
	refused.write(request("/sse", bearerOf(bad)...))
	gone.write(request("/sse", bearerOf(good)...))
	early.write(request("/ws", append(slices.Clone(upgrade), bearerOf(good)...)...))
	g.eventually("waiting handshakes", func(*Snapshot) bool { return v.Stats().Pending == 5 })
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	early.write(masked(1, true, "too early"))
	if got := early.rest(); !strings.Contains(got, " 400 ") || !strings.Contains(got, "bad_handshake") {
		t.Errorf("frames before the answer: got %q, want 400", got)
	}
	_ = early.Close()
	stream.write("what an event stream ignores")
	g.eventually("the end of two", func(s *Snapshot) bool { return s.Loop.Conns == 3 })
	close(from.gate)
	stream.open("", http.StatusOK).retry()
	socket.open("", http.StatusSwitchingProtocols)
	refused.open("", http.StatusUnauthorized)
	g.subscribed(2)
	g.publish("hello")
	stream.event("id: e-1\ndata: hello\n")
	socket.expect(1, "hello")
	g.do(func() {
		if len(g.waiting) != 0 {
			t.Errorf("got %d requests that still wait, want none", len(g.waiting))
		}
	})
}

// A handshake does not wait for ever.
func TestHandshakeWaitsNoLonger(t *testing.T) {
	t.Parallel()
	from := newIssuer(t, func() string { return "" })
	g := serve(t, Config{HeaderTimeout: 300 * time.Millisecond, Access: Access{Verifier: from.verifier(t)}}, hub.TopicConfig{})
	c := g.dial()
	c.write(request("/sse", bearerOf(signers().es.Sign(claims()))...))
	if got := c.rest(); !strings.Contains(got, " 503 ") || !strings.Contains(got, "Retry-After: ") || !strings.Contains(got, `"unavailable"`) {
		t.Errorf("got %q, want 503 with Retry-After", got)
	}
	close(from.gate)
}

// What a client that waits is told when the gateway drains meanwhile is what others are told.
func TestHandshakeWaitsWhileDraining(t *testing.T) {
	t.Parallel()
	s := signers()
	from := newIssuer(t, func() string { return tokentest.Set(s.es) })
	v := from.verifier(t)
	g := serve(t, Config{HeaderTimeout: 2 * patience, Access: Access{Verifier: v}}, hub.TopicConfig{})
	stream, socket := g.dial(), g.dial()
	stream.write(request("/sse", bearerOf(s.es.Sign(claims()))...))
	socket.write(request("/ws", append(slices.Clone(upgrade), bearerOf(s.es.Sign(claims("sub", `"b"`)))...)...))
	g.eventually("waiting handshakes", func(*Snapshot) bool { return v.Stats().Pending == 2 })
	g.drain(patience)
	close(from.gate)
	stream.open("", http.StatusOK).retry()
	stream.end()
	socket.open("", http.StatusServiceUnavailable)
}
