package tokentest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
)

// Signer signs tokens with one key. It is immutable and safe for concurrent use. Its methods panic where only a mistake
// in a test can be the cause.
type Signer struct {
	Algorithm string // of the header
	KeyID     string // of the header; empty for none

	sign   func(input []byte) []byte
	public any
}

// HS256 returns a signer with a secret.
func HS256(id string, secret []byte) *Signer {
	return &Signer{Algorithm: "HS256", KeyID: id, sign: func(input []byte) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write(input)
		return mac.Sum(nil)
	}}
}

// RS256 returns a signer with a new RSA key, which takes a while: some tenths of a second for 2,048 bits.
func RS256(id string, bits int) *Signer {
	key := must(rsa.GenerateKey(rand.Reader, bits))
	return &Signer{Algorithm: "RS256", KeyID: id, public: key.Public(), sign: func(input []byte) []byte {
		sum := sha256.Sum256(input)
		return must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:]))
	}}
}

// ES256 returns a signer with a new key on P-256.
func ES256(id string) *Signer {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return &Signer{Algorithm: "ES256", KeyID: id, public: key.Public(), sign: func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		must(0, err)
		signature := make([]byte, 64) // RFC 7518 §3.4: R and S, not ASN.1
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature
	}}
}

// EdDSA returns a signer with a new Ed25519 key.
func EdDSA(id string) *Signer {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(0, err)
	return &Signer{Algorithm: "EdDSA", KeyID: id, public: public, sign: func(input []byte) []byte {
		return ed25519.Sign(key, input)
	}}
}

// Sign returns a token with the given payload.
func (s *Signer) Sign(payload string) string {
	header := map[string]string{"alg": s.Algorithm, "typ": "JWT"}
	if s.KeyID != "" {
		header["kid"] = s.KeyID
	}
	return s.SignHeader(string(must(json.Marshal(header))), payload)
}

// SignHeader is Sign with any header.
func (s *Signer) SignHeader(header, payload string) string {
	input := Unsigned(header, payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(s.sign([]byte(input)))
}

// Unsigned returns the first two parts of a token.
func Unsigned(header, payload string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
}

// PEM returns the public key.
func (s *Signer) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(s.public))})
}

// JWK returns the public key in JSON, with further members appended: `,"use":"sig"`.
func (s *Signer) JWK(members string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := s.public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q%s}`, s.KeyID, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes()), members)
	case *ecdsa.PublicKey:
		point := must(k.Bytes()) // 4, x, y
		return fmt.Sprintf(`{"kty":"EC","kid":%q,"crv":"P-256","x":%q,"y":%q%s}`, s.KeyID, b64(point[1:33]), b64(point[33:]), members)
	case ed25519.PublicKey:
		return fmt.Sprintf(`{"kty":"OKP","kid":%q,"crv":"Ed25519","x":%q%s}`, s.KeyID, b64(k), members)
	}
	panic("BUG: a secret has no public key")
}

// Set returns a JWK set of the signers' public keys.
func Set(signers ...*Signer) string {
	set := `{"keys":[`
	for i, s := range signers {
		if i > 0 {
			set += ","
		}
		set += s.JWK(`,"use":"sig"`)
	}
	return set + "]}"
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return v
}
