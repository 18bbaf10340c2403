package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
	"tickgate/internal/wire"
)

const hush = "eyJodXNo-hush-hush-hush"

// TestTokenRedacted: nothing prints a token, however deep it is.
func TestTokenRedacted(t *testing.T) {
	token := NewToken(hush)
	inside := struct {
		Exported Token
		hidden   Token
		pointer  *Token
		list     []Token
		Map      map[string]Token
		any      any
		cred     Credential
	}{token, token, &token, []Token{token}, map[string]Token{"a": token}, token, Credential{token, FromHeader}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, strings.Repeat(verb, 4), token, &token, inside, &inside)
	}
	fmt.Fprintln(&out, token, fmt.Errorf("check %v: %w", token, errors.New(token.String())))
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("token", "token", token, "inside", inside, "pointer", &token, "credential", inside.cred)
	}
	if err := json.NewEncoder(&out).Encode(inside); err != nil {
		t.Fatal(err)
	}
	if err := xml.NewEncoder(&out).Encode(token); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{hush, hex.EncodeToString([]byte(hush)), fmt.Sprintf("%d", []byte(hush)), base64.StdEncoding.EncodeToString([]byte(hush))} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(strings.Trim(form, "[]"))) {
			t.Errorf("got the token printed in %s", out.String())
		}
	}
	if !strings.Contains(out.String(), redacted) || token.Reveal() != hush {
		t.Errorf("got %s and %q, want it redacted, and revealed when asked", out.String(), token.Reveal())
	}
}

func TestZeroToken(t *testing.T) {
	if z := NewToken(""); !z.IsZero() || z.Reveal() != "" || z.String() != "" || z != (Token{}) {
		t.Errorf("got %q, want the zero Token", z.Reveal())
	}
}

// TestErrorsQuoteNothing: every refusal is a constant that fits a close frame and an HTTP answer.
func TestErrorsQuoteNothing(t *testing.T) {
	all := []*Error{
		ErrMissing, ErrConflict, ErrTooLong, ErrMalformed, ErrAlgorithm, ErrUnknownKey, ErrSignature, ErrClaims, ErrExpired,
		ErrNotYet, ErrIssuer, ErrAudience, ErrForbidden, ErrBusy, ErrKeys, ErrClosed,
	}
	if len(all) != len(Reasons()) {
		t.Errorf("got %d errors and %d reasons, want one for each", len(all), len(Reasons()))
	}
	seen := map[string]bool{}
	for i, e := range all {
		if e.Reason != Reason(i) || seen[e.Reason.String()] || e.Reason.String() == "" {
			t.Errorf("%v: got reason %v, want one of its own", e, e.Reason)
		}
		seen[e.Reason.String()] = true
		if len(e.Error()) > 123 {
			t.Errorf("%v: got %d bytes, want at most 123 for a close frame", e, len(e.Error()))
		}
		answer := string(wire.AppendHTTPError(nil, e.HTTP))
		if !strings.Contains(answer, e.Error()) || strings.HasPrefix(answer, "HTTP/1.1 503") != strings.Contains(answer, "Retry-After: 2\r\n") {
			t.Errorf("got %q, want the text, and Retry-After with 503", answer)
		}
	}
	if got := Reason(99).String(); got != "unknown" {
		t.Errorf("got %q, want unknown", got)
	}
}

// TestVerifierPrintsNoSecrets: neither configuration nor verifier nor verdicts bring a secret to light.
func TestVerifierPrintsNoSecrets(t *testing.T) {
	cfg := Config{Keys: []*keyset.Key{hmacKey(t, "main", testSecret)}, Now: atNoon}
	v := newVerifier(t, cfg)
	token := tokentest.HS256("main", testSecret).Sign(payload())
	verdict, err := v.Check(NewToken(token), nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParsePublishKeys("ci:" + hush)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&out, strings.Repeat(verb, 4), cfg, verdict, keys, v.Stats())
	}
	for _, secret := range []string{string(testSecret), fmt.Sprintf("%d", testSecret), token, strings.Split(token, ".")[2], hush} {
		if strings.Contains(out.String(), strings.Trim(secret, "[]")) {
			t.Errorf("got a secret printed in %s", out.String())
		}
	}
}
