package keyset

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tickgate/internal/auth/tokentest"
)

func TestParsePEM(t *testing.T) {
	ed, es := tokentest.EdDSA("ed"), tokentest.ES256("es")
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("hush hush")})
	for _, tc := range []struct{ name, in, want string }{
		{"Ed25519", string(ed.PEM()), `[key "id" (EdDSA)]`},
		{"P-256", string(es.PEM()), `[key "id" (ES256)]`},
		{"RSA", string(testRSA().PEM()), `[key "id" (RS256)]`},
		{"two", string(ed.PEM()) + "text between\n" + string(es.PEM()), `[key "" (EdDSA) key "" (ES256)]`},
		{"certificate", certificate, `[key "id" (EdDSA)]`},
		{"none", "hush hush", "no PEM block"},
		{"private", string(private), "is a private key"},
		{"other type", strings.ReplaceAll(string(ed.PEM()), "PUBLIC KEY", "DH PARAMETERS"), "another type"},
		{"damaged", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("hush hush")})), "unusable key"},
		{"RSA too small", smallRSA, "the RSA modulus has 1024 bits"},
		{"other curve", p384, "the curve is P-384"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			keys, err := ParsePEM("id", []byte(tc.in))
			got := fmt.Sprint(keys)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tc.want) || strings.Contains(got, "hush") || err != nil && !errors.Is(err, ErrKey) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// Public halves made with openssl: genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024, genpkey -algorithm EC -pkeyopt
// ec_paramgen_curve:P-384, and req -x509 -newkey ed25519 -days 36500.
const (
	smallRSA = `-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDKoh/NcxePM2e/yAM4uxp+rCaX
O54ss5tscRhdpg3tP14JpScL/r3Jv6VhbQEjy4FGJsNo2EHVnKCiBrI7j1E7spNu
MTEwnBVdxz4BH6SwzxYVzE4Jl81uB2/o/CjhGMVO6dopcJ9YhivVcoYZATFO1Lae
rPdghYt1U0L24GBprQIDAQAB
-----END PUBLIC KEY-----
`
	p384 = `-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE6Med29VO0ILl21IHtyIhN1BGOZw2NhU3
Wo0UJuwQnVLiBxryuM6sJa7fGX2PmA2fWrZ+NApeiuiWWvKzN8A2Q6cmV0pXxurG
s0vU4W5HTNGR3jAIcU0JZdGxMjYd7DLh
-----END PUBLIC KEY-----
`
	certificate = `-----BEGIN CERTIFICATE-----
MIIBNDCB56ADAgECAhQq7UOygQj/qfsLf28gGtZalppocjAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAgFw0yNjExMjExMzQxMTZaGA8yMTI2MTAyODEzNDExNlowDzEN
MAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhAL/1wBJpi/Hy8RHMl5TR0yqNnko1l5IL
72VUkFylxLBfo1MwUTAdBgNVHQ4EFgQUdkv52fDYNRnMA5/irpwJTjBMOZ8wHwYD
VR0jBBgwFoAUdkv52fDYNRnMA5/irpwJTjBMOZ8wDwYDVR0TAQH/BAUwAwEB/zAF
BgMrZXADQQBRRHKoiGig+WHYbZ8UXIi4m2Dv80QNQBFveyTe6HoLGx7iWnZQNtWR
yyJ7lbTXeh6sR4wB6WcYxCmBEGfl0OsN
-----END CERTIFICATE-----
`
)

func TestLoadPEM(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := LoadPEM("id", path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want not exist", err)
	}
	if err := os.WriteFile(path, tokentest.EdDSA("").PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := LoadPEM("id", path); err != nil || len(keys) != 1 {
		t.Errorf("got %v, %v, want one key", keys, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPEM("id", path); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrKey with the path", err)
	}
}

func TestParseJWKS(t *testing.T) {
	ed, es := tokentest.EdDSA("ed"), tokentest.ES256("es")
	for _, tc := range []struct {
		name, in string
		keys     int
		skipped  int
		err      string
	}{
		{"all kinds", tokentest.Set(ed, es, testRSA()), 3, 0, ""},
		{"alg given", `{"keys":[` + ed.JWK(`,"alg":"EdDSA"`) + `]}`, 1, 0, ""},
		{"other alg", `{"keys":[` + testRSA().JWK(`,"alg":"PS256"`) + `,` + ed.JWK("") + `]}`, 1, 1, ""},
		{"for encryption", `{"keys":[` + testRSA().JWK(`,"use":"enc"`) + `,` + ed.JWK("") + `]}`, 1, 1, ""},
		{"unknown type", `{"keys":[{"kty":"new"},{"kty":"OKP","crv":"X25519","x":"AA"},` + ed.JWK("") + `]}`, 1, 2, ""},
		{"secret", `{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"},` + ed.JWK("") + `]}`, 1, 1, ""},
		{"private key", `{"keys":[` + ed.JWK(`,"d":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"`) + `,` + es.JWK("") + `]}`, 1, 1, ""},
		{"not on the curve", `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},` + ed.JWK("") + `]}`, 1, 1, ""},
		{"further members", `{"issuer":"x","keys":[` + ed.JWK(`,"x-new":{"a":[1]}`) + `]}`, 1, 0, ""},
		{"empty", `{"keys":[]}`, 0, 0, "none is a public key"},
		{"no keys", `{}`, 0, 0, "none is a public key"},
		{"null", `{"keys":[null]}`, 0, 1, "none is a public key"},
		{"HTML", `<html>`, 0, 0, "not a JWK set"},
		{"a list", `[]`, 0, 0, "not a JWK set"},
		{"too many", `{"keys":[` + strings.Repeat("{},", maxSet) + `{}]}`, 0, 0, "65 keys in one set"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			keys, skipped, err := ParseJWKS([]byte(tc.in))
			if len(keys) != tc.keys || skipped != tc.skipped || (err == nil) != (tc.err == "") {
				t.Fatalf("got %v, %d skipped, %v, want %d, %d, %q", keys, skipped, err, tc.keys, tc.skipped, tc.err)
			}
			if err != nil && (!errors.Is(err, ErrKey) || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
		})
	}
}

// FuzzParseJWKS: no answer of a server crashes, and what is accepted is public and has one algorithm.
func FuzzParseJWKS(f *testing.F) {
	f.Add([]byte(tokentest.Set(tokentest.EdDSA("a"), tokentest.ES256("b"))))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		keys, _, err := ParseJWKS(in)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("got %d keys and %v", len(keys), err)
		}
		for _, k := range keys {
			if alg, err := algorithmOf(k.material.value); err != nil || alg != k.Algorithm() {
				t.Errorf("got %v with a value for %s, %v", k, alg, err)
			}
			_, _ = k.Verify("e30.e30.e30")
		}
	})
}
