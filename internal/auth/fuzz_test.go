package auth

import (
	"errors"
	"testing"

	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
	"tickgate/internal/topic"
)

// FuzzCheck: no token crashes the verifier, what it did not sign is refused with an *Error, and the cache changes nothing.
func FuzzCheck(f *testing.F) {
	hs, ed := tokentest.HS256("hs", testSecret), tokentest.EdDSA("ed")
	v := newVerifier(f, Config{Keys: []*keyset.Key{hmacKey(f, "hs", testSecret), publicKey(f, ed)}, Now: atNoon})
	good := hs.Sign(payload())
	f.Add(good)
	f.Add(ed.Sign(payload()))
	f.Add(ed.SignHeader(`{"alg":"none"}`, payload()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		first, err := v.Verify(t.Context(), NewToken(token))
		var refused *Error
		if (first == nil) != errors.As(err, &refused) {
			t.Fatalf("got %v, %v, want a verdict or a refusal", first, err)
		}
		if again, err2 := v.Verify(t.Context(), NewToken(token)); again != first || !errors.Is(err2, err) {
			t.Errorf("got %v, %v, and then %v, %v", first, err, again, err2)
		}
	})
}

// FuzzClaims signs whatever the fuzzer makes up: no payload crashes the parser, and what it accepts keeps its promises.
func FuzzClaims(f *testing.F) {
	hs := tokentest.HS256("", testSecret)
	v := newVerifier(f, Config{Keys: []*keyset.Key{hmacKey(f, "", testSecret)}, Now: atNoon})
	f.Add(payload())
	f.Add(payload("nbf", "1e3", "aud", `["a"]`))
	f.Add(payload("tickgate", `{"subscribe":["a.*",">"],"publish":[]}`))
	f.Add(`{"exp":1e11,"tickgate":{"publish":["` + "\\u0000" + `"]}}`)
	f.Fuzz(func(t *testing.T, claims string) {
		verdict, err := v.Check(NewToken(hs.Sign(claims)), nil)
		if err != nil {
			return
		}
		if !noon.Before(verdict.Expires) || verdict.Expires.Year() > 9999 {
			t.Errorf("got a verdict until %v", verdict.Expires)
		}
		p := verdict.Permissions
		for _, granted := range append(p.subscribe, p.publish...) {
			if !topic.ValidPattern(granted) {
				t.Errorf("got the malformed pattern %q granted", granted)
			}
		}
		if p.MaySubscribe(">") && !p.MaySubscribe("a.b") || p.None() && p.MaySubscribe("a") {
			t.Errorf("got %q granted without consequence", p.subscribe)
		}
	})
}
