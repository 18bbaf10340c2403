package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tickgate/internal/auth/tokentest"
)

// issuer signs the tokens of a test with a key of each kind, and serves a key set. Safe for concurrent use.
type issuer struct {
	secret     string
	hs         *tokentest.Signer // its secret is in a file
	rs         *tokentest.Signer // its public key is in a file
	es, ed     *tokentest.Signer // theirs are in the set behind the URL
	secretFile string
	publicFile string
	url        string

	mu     sync.Mutex
	set    string
	asked  int
	tokens []string // everything that was signed
}

// querySecret is in the URL of the key set, and nobody else's business.
const querySecret = "jwks-query-4d1f0c77"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	dir := t.TempDir()
	i := &issuer{
		secret: "e2e-secret-" + strings.Repeat("7f3a", 8), secretFile: filepath.Join(dir, "secret"), publicFile: filepath.Join(dir, "public.pem"),
		rs: tokentest.RS256("", 2048), es: tokentest.ES256("es-1"), ed: tokentest.EdDSA("ed-1"),
	}
	i.hs = tokentest.HS256("", []byte(i.secret))
	writeFile(t, i.secretFile, i.secret+"\n")
	writeFile(t, i.publicFile, string(i.rs.PEM()))
	i.serve(i.es, i.ed)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked++
		if r.URL.Query().Get("key") != querySecret {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, i.set)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL + "/jwks?key=" + querySecret
	return i
}

// serve changes the key set.
func (i *issuer) serve(signers ...*tokentest.Signer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set = tokentest.Set(signers...)
}

// requests returns how often the set was asked for.
func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// note remembers a token for the search for secrets and returns it.
func (i *issuer) note(token string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tokens = append(i.tokens, token)
	return token
}

// secrets returns all that must not be shown: whole tokens, the beginnings of their payloads, their signatures, and the
// secrets of the gateway.
func (i *issuer) secrets() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := []string{i.secret, querySecret}
	for _, token := range i.tokens {
		list = append(list, token)
		if at := strings.LastIndexByte(token, '.'); at >= 0 && len(token)-at > 20 {
			list = append(list, token[at+1:])
		}
		if _, payload, ok := strings.Cut(token, "."); ok && len(payload) > 40 {
			list = append(list, payload[:40])
		}
	}
	return list
}

// start starts a gateway that asks for the issuer's tokens. The sources are in the environment, so that the page with the
// command line, too, can be searched for secrets.
func (i *issuer) start(t *testing.T, flags map[string]string) *gateway {
	t.Helper()
	all := map[string]string{"feed": "none", "default-topic": "price.A", "token-audience": "gateway", "log-level": "debug"}
	maps.Copy(all, flags)
	return startGateway(t, setup{flags: all, env: []string{
		"TICKGATE_TOKEN_KEYS=" + i.publicFile + ",hs256:" + i.secretFile + "," + i.url,
	}})
}

// claims returns a payload that grants price.> and publishing to chat.*, for an hour. Changes are pairs of a claim and its
// JSON; an empty one takes the claim away.
func claims(changes ...string) string {
	c := map[string]json.RawMessage{
		"exp": fmt.Appendf(nil, "%d", time.Now().Add(time.Hour).Unix()), "aud": json.RawMessage(`["gateway"]`),
		"tickgate": json.RawMessage(`{"subscribe":["price.>"],"publish":["chat.*"]}`),
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

// attempt is a request with a token, and what becomes of it.
type attempt struct {
	name   string
	query  string
	header http.Header
	status int // of an event stream; a WebSocket gets 101 for 200
	code   string
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// attempts is the table of tokens and outcomes.
func (i *issuer) attempts() []attempt {
	good := i.note(i.hs.Sign(claims()))
	hs := func(changes ...string) http.Header { return bearer(i.note(i.hs.Sign(claims(changes...)))) }
	cookie := func(origin string) http.Header { return http.Header{"Cookie": {"session=" + good}, "Origin": {origin}} }
	confused := i.note(tokentest.HS256("", i.rs.PEM()).Sign(claims()))
	return []attempt{
		{"HS256, secret in a file", "", bearer(good), 200, ""},
		{"RS256, PEM file", "", bearer(i.note(i.rs.Sign(claims()))), 200, ""},
		{"ES256, key set", "", bearer(i.note(i.es.Sign(claims()))), 200, ""},
		{"EdDSA, key set", "", bearer(i.note(i.ed.Sign(claims()))), 200, ""},
		{"no token", "", nil, 401, "unauthorized"},
		{"rubbish", "", bearer(i.note("rubbish-0123456789abcdef")), 401, "unauthorized"},
		{"expired", "", hs("exp", "1000000000"), 401, "unauthorized"},
		{"no expiry", "", hs("exp", ""), 401, "unauthorized"},
		{"not yet valid", "", hs("nbf", "33000000000"), 401, "unauthorized"},
		{"wrong audience", "", hs("aud", `"shop"`), 401, "unauthorized"},
		{"alg none", "", bearer(i.note(tokentest.Unsigned(`{"alg":"none"}`, claims()) + ".")), 401, "unauthorized"},
		{"public key as secret", "", bearer(confused), 401, "unauthorized"},
		{"another secret", "", bearer(i.note(tokentest.HS256("", []byte(strings.Repeat("k", 40))).Sign(claims()))), 401, "unauthorized"},
		{"another key with the id of one", "", bearer(i.note(tokentest.EdDSA("ed-1").Sign(claims()))), 401, "unauthorized"},
		{"no claim", "", hs("tickgate", ""), 403, "forbidden"},
		{"wrong topic", "?topic=fx.EUR", bearer(good), 403, "forbidden"},
		{"wrong topic beside a good one", "?topic=price.A&topic=fx.EUR", bearer(good), 403, "forbidden"},
		{"wildcard within the claim", "?topic=price.*", bearer(good), 200, ""},
		{"wildcard beyond the claim", "?topic=%3E", bearer(good), 403, "forbidden"},
		{"token in the query", "?access_token=" + url.QueryEscape(good), nil, 200, ""},
		{"bad token in the query", "?access_token=" + url.QueryEscape(confused), nil, 401, "unauthorized"},
		{"two tokens", "?access_token=" + url.QueryEscape(confused), bearer(good), 400, "bad_request"},
		{"cookie of a listed origin", "", cookie("https://app.example"), 200, ""},
		{"cookie of a name below a listed domain", "", cookie("https://x.app.example"), 200, ""},
		{"cookie of a foreign origin", "", cookie("https://evil.example"), 403, "origin_not_allowed"},
	}
}

// try makes a request and returns the status and the body of a refusal.
func try(t *testing.T, g *gateway, path string, a attempt) (status int, refusal string) {
	t.Helper()
	conn := dialRaw(t, g.Addr)
	defer func() { _ = conn.Close() }()
	var head strings.Builder
	fmt.Fprintf(&head, "GET %s%s HTTP/1.1\r\nHost: %s\r\n", path, a.query, g.Addr)
	_ = a.header.Write(&head)
	if path == "/ws" {
		head.WriteString(upgrade)
	}
	write(t, conn, head.String()+"\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	if resp.StatusCode < 400 {
		return resp.StatusCode, ""
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	if resp.StatusCode == http.StatusUnauthorized && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("%s: got WWW-Authenticate %q, want Bearer", a.name, resp.Header.Get("WWW-Authenticate"))
	}
	return resp.StatusCode, fmt.Sprint(resp.Header) + string(body)
}
