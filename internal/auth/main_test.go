package auth

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/auth/keyset"
	"tickgate/internal/auth/tokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testSecret = []byte("0123456789abcdef0123456789abcdef")

// noon is what the clock shows in tests without synctest.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// newVerifier returns a verifier that is closed with the test.
func newVerifier(t testing.TB, cfg Config) *Verifier {
	t.Helper()
	v := New(cfg)
	t.Cleanup(v.Close)
	return v
}

func hmacKey(t testing.TB, id string, secret []byte) *keyset.Key {
	t.Helper()
	k, err := keyset.HMAC(id, secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicKey(t testing.TB, s *tokentest.Signer) *keyset.Key {
	t.Helper()
	keys, err := keyset.ParsePEM(s.KeyID, s.PEM())
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}
