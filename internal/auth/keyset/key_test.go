package keyset

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"tickgate/internal/auth/tokentest"
)

var (
	testSecret = []byte("0123456789abcdef0123456789abcdef")
	testRSA    = sync.OnceValue(func() *tokentest.Signer { return tokentest.RS256("rsa", 2048) })
)

func hmacKey(t testing.TB, id string, secret []byte) *Key {
	t.Helper()
	k, err := HMAC(id, secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// publicKey returns a signer's public key, by way of PEM.
func publicKey(t testing.TB, s *tokentest.Signer) *Key {
	t.Helper()
	keys, err := ParsePEM(s.KeyID, s.PEM())
	if err != nil || len(keys) != 1 {
		t.Fatalf("got %d keys, %v, want one", len(keys), err)
	}
	return keys[0]
}

// TestVectors verifies the examples of RFC 7515 A.1 and A.3 and of RFC 8037 A.4.
func TestVectors(t *testing.T) {
	const joe = ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	secret, err := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err != nil {
		t.Fatal(err)
	}
	es, _, err := ParseJWKS([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	point, err := hex.DecodeString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
	if err != nil {
		t.Fatal(err)
	}
	ed, err := newPublic("", ed25519.PublicKey(point))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, token, payload string
		key                  *Key
	}{
		{"RFC 7515 A.1", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + joe + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", `{"iss":"joe"`, hmacKey(t, "", secret)},
		{"RFC 7515 A.3", "eyJhbGciOiJFUzI1NiJ9" + joe + "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", `{"iss":"joe"`, es[0]},
		{"RFC 8037 A.4", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg", "Example of Ed25519 signing", ed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			payload, err := tc.key.Verify(tc.token)
			if err != nil || !strings.HasPrefix(string(payload), tc.payload) {
				t.Errorf("got %q, %v, want %q", payload, err, tc.payload)
			}
		})
	}
}

// TestVerify: every key verifies its own signer's tokens and nobody else's, whatever the header says.
func TestVerify(t *testing.T) {
	signers := []*tokentest.Signer{
		tokentest.HS256("", testSecret), testRSA(), tokentest.ES256("es"), tokentest.EdDSA("ed"), tokentest.ES256("es2"), tokentest.EdDSA("ed2"),
	}
	keys := []*Key{hmacKey(t, "", testSecret)}
	for _, s := range signers[1:] {
		keys = append(keys, publicKey(t, s))
	}
	for i, s := range signers {
		for j, k := range keys {
			for _, alg := range []Algorithm{HS256, RS256, ES256, EdDSA, "none"} {
				payload, err := k.Verify(s.SignHeader(`{"alg":"`+string(alg)+`"}`, `{}`))
				want := ErrSignature
				switch {
				case alg != k.Algorithm():
					want = ErrAlgorithm
				case i == j:
					want = nil
				}
				if !errors.Is(err, want) || (err == nil) != (string(payload) == "{}") {
					t.Errorf("%s's token as %s with %v: got %q, %v, want %v", s.Algorithm, alg, k, payload, err, want)
				}
			}
		}
	}
}

func TestHMACSecretTooShort(t *testing.T) {
	_, err := HMAC("short", testSecret[:31])
	if !errors.Is(err, ErrKey) || strings.Contains(err.Error(), string(testSecret[:8])) {
		t.Errorf("got %v, want ErrKey without the secret", err)
	}
}

// TestKeyRedacted: nothing prints a secret, however deep the key is.
func TestKeyRedacted(t *testing.T) {
	k := hmacKey(t, "main", testSecret)
	inside := struct {
		Exported *Key
		hidden   *Key
		list     []*Key
	}{k, k, []*Key{k}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, k, inside)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "key", k, "inside", inside)
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", k, "inside", inside)
	if err := json.NewEncoder(&out).Encode(inside); err != nil {
		t.Fatal(err)
	}
	checkSecretFree(t, out.String(), testSecret)
}

func checkSecretFree(t *testing.T, text string, secret []byte) {
	t.Helper()
	for _, form := range []string{string(secret), hex.EncodeToString(secret), fmt.Sprintf("%d", secret), fmt.Sprintf("%#v", secret), base64.StdEncoding.EncodeToString(secret)} {
		if strings.Contains(text, form[1:len(form)-1]) {
			t.Errorf("got the secret printed in %q", text)
		}
	}
}
