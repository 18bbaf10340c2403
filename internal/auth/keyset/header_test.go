package keyset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tickgate/internal/auth/tokentest"
)

func TestReadHeader(t *testing.T) {
	with := func(header string) string { return tokentest.Unsigned(header, "{}") + ".AAAA" }
	for _, tc := range []struct {
		name, token string
		want        Header
		err         error
	}{
		{"plain", with(`{"alg":"EdDSA"}`), Header{Algorithm: EdDSA}, nil},
		{"key id", with(`{"typ":"JWT","alg":"RS256","kid":"a"}`), Header{RS256, "a"}, nil},
		{"none", with(`{"alg":"none"}`), Header{}, ErrAlgorithm},
		{"None", with(`{"alg":"None"}`), Header{}, ErrAlgorithm},
		{"no alg", with(`{}`), Header{}, ErrAlgorithm},
		{"lower case", with(`{"alg":"hs256"}`), Header{}, ErrAlgorithm},
		{"HS512", with(`{"alg":"HS512"}`), Header{}, ErrAlgorithm},
		{"PS256", with(`{"alg":"PS256"}`), Header{}, ErrAlgorithm},
		{"ES384", with(`{"alg":"ES384"}`), Header{}, ErrAlgorithm},
		{"encrypted", with(`{"alg":"RSA-OAEP","enc":"A256GCM"}`), Header{}, ErrAlgorithm},
		{"ALG", with(`{"ALG":"HS256"}`), Header{}, ErrAlgorithm},
		{"twice", with(`{"alg":"HS256","alg":"RS256"}`), Header{}, ErrMalformed},
		{"own key", with(`{"alg":"ES256","jwk":{"kty":"EC"}}`), Header{}, ErrMalformed},
		{"own URL", with(`{"alg":"ES256","jku":"https://evil.example/"}`), Header{}, ErrMalformed},
		{"own chain", with(`{"alg":"ES256","x5c":["AAAA"]}`), Header{}, ErrMalformed},
		{"own chain's URL", with(`{"alg":"ES256","x5u":"https://evil.example/"}`), Header{}, ErrMalformed},
		{"critical", with(`{"alg":"ES256","crit":["exp"],"exp":1}`), Header{}, ErrMalformed},
		{"b64", with(`{"alg":"ES256","b64":false,"crit":["b64"]}`), Header{}, ErrMalformed},
		{"key id no string", with(`{"alg":"ES256","kid":1}`), Header{}, ErrMalformed},
		{"long", with(`{"alg":"ES256","x":"` + strings.Repeat("x", 600) + `"}`), Header{Algorithm: ES256}, nil},
		{"too long", with(`{"alg":"ES256","x":"` + strings.Repeat("x", 750) + `"}`), Header{}, ErrMalformed},
		{"no object", with(`["alg"]`), Header{}, ErrMalformed},
		{"empty", "", Header{}, ErrMalformed},
		{"dots", "..", Header{}, ErrMalformed},
		{"two parts", "e30.e30", Header{}, ErrMalformed},
		{"four parts", with(`{"alg":"EdDSA"}`) + ".", Header{}, ErrMalformed},
		{"line end", with(`{"alg":"EdDSA"}`) + "\n", Header{}, ErrMalformed},
		{"padding", with(`{"alg":"EdDSA"}`) + "==", Header{}, ErrMalformed},
		{"other base64", with(`{"alg":"EdDSA"}`) + "+/", Header{}, ErrMalformed},
		{"JSON form", `{"payload":"e30","protected":"e30","signature":"e30"}`, Header{}, ErrMalformed},
	} {
		if got, err := ReadHeader(tc.token); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: got %v, %v, want %v, %v", tc.name, got, err, tc.want, tc.err)
		}
	}
}

func TestCandidates(t *testing.T) {
	var keys []*Key
	for i, id := range []string{"", "a", "b", "a"} {
		keys = append(keys, hmacKey(t, id, fmt.Appendf(nil, "%032d", i)))
	}
	ed := publicKey(t, tokentest.EdDSA("a"))
	gone := hmacKey(t, "a", testSecret)
	gone.Retire()
	for _, tc := range []struct {
		header Header
		want   []*Key
		named  bool
	}{
		{Header{HS256, "a"}, []*Key{keys[1], keys[3], keys[0]}, true},
		{Header{HS256, "b"}, []*Key{keys[2], keys[0]}, true},
		{Header{HS256, "c"}, []*Key{keys[0]}, false},
		{Header{HS256, ""}, keys, false},
		{Header{EdDSA, "a"}, []*Key{ed}, true},
		{Header{RS256, "a"}, nil, false},
	} {
		got, named := Candidates(tc.header, append([]*Key{gone, ed}, keys...)...)
		if !slices.Equal(got, tc.want) || named != tc.named {
			t.Errorf("%v: got %v, %v, want %v, %v", tc.header, got, named, tc.want, tc.named)
		}
	}
	many := strings.Split(strings.Repeat("x", 9), "")
	for i := range many {
		keys = append(keys, hmacKey(t, "", fmt.Appendf(nil, "%032d", 100+i)))
	}
	if got, _ := Candidates(Header{Algorithm: HS256}, keys...); len(got) != maxCandidates {
		t.Errorf("got %d of many candidates, want %d", len(got), maxCandidates)
	}
}

func TestReplace(t *testing.T) {
	a, b, a2 := hmacKey(t, "a", testSecret), hmacKey(t, "b", testSecret), hmacKey(t, "a", testSecret)
	next := Replace([]*Key{a, b}, []*Key{a2})
	if len(next) != 1 || next[0] != a || a.Retired() || !b.Retired() {
		t.Errorf("got %v, a retired: %v, b retired: %v, want the old a, and b retired", next, a.Retired(), b.Retired())
	}
	changed := hmacKey(t, "a", []byte("another secret under the same id"))
	if next = Replace(next, []*Key{changed}); next[0] != changed || !a.Retired() {
		t.Errorf("got %v, a retired: %v, want the new a", next, a.Retired())
	}
}

// FuzzReadHeader: nothing crashes, and what is no header is no token to any key either.
func FuzzReadHeader(f *testing.F) {
	key := hmacKey(f, "", testSecret)
	f.Add(tokentest.HS256("a", testSecret).Sign(`{}`))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := ReadHeader(token); err == nil {
			_, err = key.Verify(token)
			if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrAlgorithm) && !errors.Is(err, ErrSignature) {
				t.Errorf("got %v, want one of the three errors", err)
			}
		}
	})
}
