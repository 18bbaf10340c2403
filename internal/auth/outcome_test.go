package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
)

var testRSA = sync.OnceValue(func() *tokentest.Signer { return tokentest.RS256("rsa", 2048) })

// payload returns good claims, changed by the given pairs of name and JSON value; an empty value takes the claim away.
func payload(changes ...string) string {
	claims := map[string]json.RawMessage{
		"iss":      json.RawMessage(`"https://issuer.example"`),
		"aud":      json.RawMessage(`"gateway"`),
		"sub":      json.RawMessage(`"somebody"`),
		"exp":      fmt.Appendf(nil, "%d", noon.Add(time.Hour).Unix()),
		"tickgate": json.RawMessage(`{"subscribe":["price.*"],"publish":["chat.>"]}`),
	}
	for i := 0; i < len(changes); i += 2 {
		if claims[changes[i]] = json.RawMessage(changes[i+1]); changes[i+1] == "" {
			delete(claims, changes[i])
		}
	}
	b, err := json.Marshal(claims)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return string(b)
}

// outcome is a row of the table: a token, and what becomes of it.
type outcome struct {
	name  string
	token string
	err   error
	may   string // "subscribe publish" of price.ACME and chat.a.b, for an accepted token
}

func at(d time.Duration) string { return fmt.Sprint(noon.Add(d).Unix()) }

// signatures are tokens whose claims are good.
func signatures(hs, rs, es, ed *tokentest.Signer) []outcome {
	const all = "true true"
	return []outcome{
		{"HS256", hs.Sign(payload()), nil, all},
		{"RS256", rs.Sign(payload()), nil, all},
		{"ES256", es.Sign(payload()), nil, all},
		{"EdDSA", ed.Sign(payload()), nil, all},
		{"no key id", ed.SignHeader(`{"alg":"EdDSA"}`, payload()), nil, all},
		{"other typ", ed.SignHeader(`{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}`, payload()), nil, all},

		{"wrong secret", tokentest.HS256("hs", []byte("ffffffffffffffffffffffffffffffff")).Sign(payload()), ErrSignature, ""},
		{"wrong Ed25519 key", tokentest.EdDSA("ed").Sign(payload()), ErrSignature, ""},
		{"wrong P-256 key", tokentest.ES256("es").Sign(payload()), ErrSignature, ""},
		{"key of another algorithm", es.SignHeader(`{"alg":"ES256","kid":"ed"}`, payload()), ErrUnknownKey, ""},
		{"unknown key id", tokentest.EdDSA("new").Sign(payload()), ErrUnknownKey, ""},
		{"unknown id of a secret", tokentest.HS256("new", testSecret).Sign(payload()), ErrUnknownKey, ""},
		{"right key, wrong id", ed.SignHeader(`{"alg":"EdDSA","kid":"../ed"}`, payload()), ErrUnknownKey, ""},
		{"changed payload", swapped(ed.Sign(payload()), ed.Sign(payload("sub", `"admin"`))), ErrSignature, ""},
		{"no signature", tokentest.Unsigned(`{"alg":"EdDSA","kid":"ed"}`, payload()) + ".", ErrSignature, ""},

		{"none", tokentest.Unsigned(`{"alg":"none"}`, payload()) + ".", ErrAlgorithm, ""},
		{"none with signature", ed.SignHeader(`{"alg":"none","kid":"ed"}`, payload()), ErrAlgorithm, ""},
		{"NONE", tokentest.Unsigned(`{"alg":"NONE"}`, payload()) + ".", ErrAlgorithm, ""},
		{"HS512", hs.SignHeader(`{"alg":"HS512","kid":"hs"}`, payload()), ErrAlgorithm, ""},
		{"public RSA key as secret", tokentest.HS256("rsa", rs.PEM()).Sign(payload()), ErrUnknownKey, ""},
		{"public RSA key as the secret's", tokentest.HS256("hs", rs.PEM()).Sign(payload()), ErrSignature, ""},
		{"public RSA key as secret, no id", tokentest.HS256("", rs.PEM()).Sign(payload()), ErrSignature, ""},
		{"secret as RSA", hs.SignHeader(`{"alg":"RS256","kid":"hs"}`, payload()), ErrUnknownKey, ""},
		{"HS256 said to be EdDSA", hs.SignHeader(`{"alg":"EdDSA","kid":"ed"}`, payload()), ErrSignature, ""},
		{"own key in the header", bringsItsKey(), ErrMalformed, ""},

		{"empty", "", ErrMissing, ""},
		{"no token", "Bearer", ErrMalformed, ""},
		{"two parts", tokentest.Unsigned(`{"alg":"EdDSA","kid":"ed"}`, payload()), ErrMalformed, ""},
		{"header no JSON", ed.SignHeader(`alg=EdDSA`, payload()), ErrMalformed, ""},
		{"signature no base64", tokentest.Unsigned(`{"alg":"HS256"}`, payload()) + ".A", ErrMalformed, ""},
		{"not ASCII", ed.Sign(payload()) + "é", ErrMalformed, ""},
		{"longest", longest(hs, MaxToken), nil, all},
		{"too long", longest(hs, MaxToken+1), ErrTooLong, ""},
	}
}

// contents are tokens with a good signature.
func contents(s *tokentest.Signer) []outcome {
	const all, none = "true true", "false false"
	return []outcome{
		{"expired", s.Sign(payload("exp", at(-31*time.Second))), ErrExpired, ""},
		{"expires now, with leeway", s.Sign(payload("exp", at(-30*time.Second))), ErrExpired, ""},
		{"expired within the leeway", s.Sign(payload("exp", at(-29*time.Second))), nil, all},
		{"exp with a fraction", s.Sign(payload("exp", at(time.Hour)+".5")), nil, all},
		{"exp in a thousand years", s.Sign(payload("exp", "33000000000")), nil, all},
		{"exp missing", s.Sign(payload("exp", "")), ErrClaims, ""},
		{"exp under another case", s.Sign(payload("exp", "", "EXP", at(time.Hour))), ErrClaims, ""},
		{"exp null", s.Sign(payload("exp", "null")), ErrClaims, ""},
		{"exp a string", s.Sign(payload("exp", `"`+at(time.Hour)+`"`)), ErrClaims, ""},
		{"exp negative", s.Sign(payload("exp", "-1")), ErrClaims, ""},
		{"exp endless", s.Sign(payload("exp", "1e300")), ErrClaims, ""},
		{"exp twice", s.Sign(`{"exp":1,` + payload()[1:]), ErrClaims, ""},
		{"not yet valid", s.Sign(payload("nbf", at(31*time.Second))), ErrNotYet, ""},
		{"not yet, within the leeway", s.Sign(payload("nbf", at(30*time.Second))), nil, all},
		{"nbf passed", s.Sign(payload("nbf", at(-time.Hour))), nil, all},
		{"nbf malformed", s.Sign(payload("nbf", "true")), ErrClaims, ""},
		{"issued in the future", s.Sign(payload("iat", at(time.Hour))), nil, all}, // RFC 7519 §4.1.6 only informs

		{"wrong iss", s.Sign(payload("iss", `"https://other.example"`)), ErrIssuer, ""},
		{"iss with a slash", s.Sign(payload("iss", `"https://issuer.example/"`)), ErrIssuer, ""},
		{"iss missing", s.Sign(payload("iss", "")), ErrIssuer, ""},
		{"iss a list", s.Sign(payload("iss", `["https://issuer.example"]`)), ErrClaims, ""},
		{"iss null", s.Sign(payload("iss", "null")), ErrClaims, ""},
		{"wrong aud", s.Sign(payload("aud", `"shop"`)), ErrAudience, ""},
		{"aud missing", s.Sign(payload("aud", "")), ErrAudience, ""},
		{"aud empty", s.Sign(payload("aud", "[]")), ErrAudience, ""},
		{"aud null", s.Sign(payload("aud", "null")), ErrClaims, ""},
		{"one of several aud", s.Sign(payload("aud", `["shop","gateway"]`)), nil, all},
		{"none of several aud", s.Sign(payload("aud", `["shop","gate"]`)), ErrAudience, ""},
		{"aud a number", s.Sign(payload("aud", "1")), ErrClaims, ""},

		{"nothing granted", s.Sign(payload("tickgate", "{}")), nil, none},
		{"no grants", s.Sign(payload("tickgate", "")), nil, none},
		{"empty lists", s.Sign(payload("tickgate", `{"subscribe":[],"publish":[]}`)), nil, none},
		{"other topics", s.Sign(payload("tickgate", `{"subscribe":["fx.*"],"publish":["chat.*"]}`)), nil, none},
		{"only subscribe", s.Sign(payload("tickgate", `{"subscribe":["price.ACME"]}`)), nil, "true false"},
		{"only publish", s.Sign(payload("tickgate", `{"publish":["chat.a.b"]}`)), nil, "false true"},
		{"everything", s.Sign(payload("tickgate", `{"subscribe":[">"],"publish":[">"]}`)), nil, all},
		{"unknown restriction", s.Sign(payload("tickgate", `{"subscribe":[">"],"deny":["secret.>"]}`)), ErrClaims, ""},
		{"grants under another case", s.Sign(payload("tickgate", `{"Subscribe":[">"]}`)), ErrClaims, ""},
		{"grants null", s.Sign(payload("tickgate", "null")), ErrClaims, ""},
		{"grants a list", s.Sign(payload("tickgate", `[">"]`)), ErrClaims, ""},
		{"pattern no list", s.Sign(payload("tickgate", `{"subscribe":">"}`)), ErrClaims, ""},
		{"patterns null", s.Sign(payload("tickgate", `{"subscribe":null}`)), ErrClaims, ""},
		{"pattern null", s.Sign(payload("tickgate", `{"subscribe":[null]}`)), ErrClaims, ""},
		{"malformed pattern", s.Sign(payload("tickgate", `{"subscribe":["price.A*"]}`)), ErrClaims, ""},
		{"empty pattern", s.Sign(payload("tickgate", `{"publish":[""]}`)), ErrClaims, ""},
		{"too many patterns", s.Sign(payload("tickgate", `{"publish":["a"`+strings.Repeat(`,"a"`, maxPatterns)+`]}`)), ErrClaims, ""},
		{"payload a list", s.Sign("[]"), ErrClaims, ""},
		{"payload null", s.Sign("null"), ErrClaims, ""},
		{"payload no JSON", s.Sign("hello"), ErrClaims, ""},
		{"payload empty", s.Sign(""), ErrClaims, ""},
		{"payload deep", s.Sign(strings.Repeat("[", 4000)), ErrClaims, ""},
	}
}

// swapped returns token with the payload of other.
func swapped(token, other string) string {
	parts := strings.Split(token, ".")
	parts[1] = strings.Split(other, ".")[1]
	return strings.Join(parts, ".")
}

func bringsItsKey() string {
	s := tokentest.EdDSA("own")
	return s.SignHeader(`{"alg":"EdDSA","jwk":`+s.JWK("")+`}`, payload())
}

// longest returns a good token of about n bytes, and of exactly n if base64 allows.
func longest(s *tokentest.Signer, n int) string {
	for fill := n / 2; ; fill++ {
		if token := s.Sign(payload("fill", `"`+strings.Repeat("x", fill)+`"`)); len(token) >= n {
			return token
		}
	}
}

// TestOutcomes is the table of tokens and outcomes, each token twice: verified, and then from the cache if it can be.
func TestOutcomes(t *testing.T) {
	hs, rs, es, ed := tokentest.HS256("hs", testSecret), testRSA(), tokentest.ES256("es"), tokentest.EdDSA("ed")
	v := newVerifier(t, Config{
		Keys:      []*keyset.Key{hmacKey(t, "hs", testSecret), publicKey(t, rs), publicKey(t, es), publicKey(t, ed)},
		Issuers:   []string{"https://issuer.example", "https://spare.example"},
		Audiences: []string{"gateway", "gateway-2"},
		Leeway:    30 * time.Second,
		Now:       atNoon,
	})
	for _, tc := range append(append(signatures(hs, rs, es, ed), contents(hs)...), contents(ed)...) {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 {
				check(t, v, &tc)
			}
		})
	}
	if s := v.Stats(); s.Hits == 0 || s.Accepted <= s.Hits || s.Pending != 0 || uint64(s.Cached) != s.Accepted-s.Hits {
		t.Errorf("got %+v, want every accepted token cached", s)
	}
}

func check(t *testing.T, v *Verifier, tc *outcome) {
	t.Helper()
	verdict, err := v.Verify(t.Context(), NewToken(tc.token))
	if !errors.Is(err, tc.err) || (verdict == nil) != (tc.err != nil) {
		t.Fatalf("got %v, %v, want %v", verdict, err, tc.err)
	}
	if verdict == nil {
		return
	}
	p := verdict.Permissions
	if got := fmt.Sprint(p.MaySubscribe("price.ACME"), p.MayPublish("chat.a.b")); got != tc.may {
		t.Errorf("got %s, want %s", got, tc.may)
	}
	if verdict.Expires.Before(noon) || verdict.Subject != "somebody" {
		t.Errorf("got %v until %v, want somebody, until later", verdict.Subject, verdict.Expires)
	}
}

// TestExpires: the verdict carries the moment until which Check accepts the token.
func TestExpires(t *testing.T) {
	now := noon
	v := newVerifier(t, Config{Keys: []*keyset.Key{hmacKey(t, "", testSecret)}, Leeway: time.Minute, Now: func() time.Time { return now }})
	token := NewToken(tokentest.HS256("", testSecret).Sign(payload()))
	verdict, err := v.Check(token, nil)
	if err != nil || !verdict.Expires.Equal(noon.Add(time.Hour+time.Minute)) {
		t.Fatalf("got %v, %v, want an hour and the leeway", verdict, err)
	}
	now = verdict.Expires.Add(-1)
	if _, err := v.Check(token, nil); err != nil {
		t.Errorf("got %v a moment before the end, want nil", err)
	}
	now = verdict.Expires
	if _, err := v.Check(token, nil); !errors.Is(err, ErrExpired) {
		t.Errorf("got %v at the end, want %v", err, ErrExpired)
	}
	if s := v.Stats(); s.Hits != 1 || s.Cached != 0 {
		t.Errorf("got %+v, want one hit and nothing left", s)
	}
}

// TestClaimName: issuers that demand a URL as the name of a claim can have it.
func TestClaimName(t *testing.T) {
	v := newVerifier(t, Config{Keys: []*keyset.Key{hmacKey(t, "", testSecret)}, Claim: "https://tickgate.example/grants", Now: atNoon})
	signer := tokentest.HS256("", testSecret)
	token := signer.Sign(payload("tickgate", "", "https://tickgate.example/grants", `{"subscribe":["a"]}`))
	verdict, err := v.Check(NewToken(token), nil)
	if err != nil || !verdict.Permissions.MaySubscribe("a") {
		t.Errorf("got %v, %v, want a granted", verdict, err)
	}
	if verdict, err = v.Check(NewToken(signer.Sign(payload())), nil); err != nil || !verdict.Permissions.None() {
		t.Errorf("got %v, %v, want nothing granted by the default name", verdict, err)
	}
}
