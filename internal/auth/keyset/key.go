package keyset

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is the name of a signature algorithm as a token's header spells it (RFC 7518 §3.1, RFC 8037 §3.1).
type Algorithm string

// The algorithms that there are. All others are refused.
const (
	HS256 Algorithm = "HS256" // HMAC with SHA-256
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	ES256 Algorithm = "ES256" // ECDSA on P-256 with SHA-256
	EdDSA Algorithm = "EdDSA" // Ed25519
)

// The least that RFC 7518 §3.2 and §3.3 allow.
const (
	minSecret  = 32   // bytes of an HS256 secret
	minModulus = 2048 // bits of an RSA modulus
)

// maxModulus bounds what one verification costs: a key of 16,384 bits takes some 60 times as long as one of 2,048.
const maxModulus = 8192 // bits

// ErrKey is wrapped by the errors about keys that cannot be used.
var ErrKey = errors.New("unusable key")

// Key is one key for one algorithm. It is safe for concurrent use.
type Key struct {
	// immutable
	id       string
	alg      Algorithm
	material *material // a second pointer: fmt follows one when it meets an unexported *Key with a verb like %s

	retired atomic.Bool
}

// material is what makes a key a key.
type material struct {
	value any      // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	sum   [32]byte // of the value: tells whether two keys are the same
}

// HMAC returns an HS256 key. The secret is copied and must have at least 32 bytes. id may be empty; see [Candidates].
func HMAC(id string, secret []byte) (*Key, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("%w %q: the secret has %d bytes, HS256 needs at least %d; make one with: openssl rand -hex 32", ErrKey, id, len(secret), minSecret)
	}
	return &Key{id: id, alg: HS256, material: &material{bytes.Clone(secret), sha256.Sum256(secret)}}, nil
}

// newPublic returns the key for a public key of any type that crypto/x509 parses.
func newPublic(id string, public any) (*Key, error) {
	alg, err := algorithmOf(public)
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrKey, id, err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrKey, id, err)
	}
	return &Key{id: id, alg: alg, material: &material{public, sha256.Sum256(der)}}, nil
}

// algorithmOf returns the one algorithm that a public key is used with.
func algorithmOf(public any) (Algorithm, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minModulus || bits > maxModulus {
			return "", fmt.Errorf("the RSA modulus has %d bits; use %d to %d", bits, minModulus, maxModulus)
		}
		return RS256, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", fmt.Errorf("the curve is %s; ES256 needs P-256", k.Curve.Params().Name)
		}
		return ES256, nil
	case ed25519.PublicKey:
		return EdDSA, nil
	}
	return "", fmt.Errorf("a %T is for none of HS256, RS256, ES256 and EdDSA", public)
}

// ID returns the key's id, which a token names in its header as kid; it may be empty.
func (k *Key) ID() string { return k.id }

// Algorithm returns the only algorithm that the key verifies.
func (k *Key) Algorithm() Algorithm { return k.alg }

// Retired reports whether the key has been withdrawn: what was verified with it no longer counts.
func (k *Key) Retired() bool { return k.retired.Load() }

// Retire withdraws the key for good.
func (k *Key) Retire() { k.retired.Store(true) }

// Same reports whether two keys have the same id, algorithm and value.
func (k *Key) Same(other *Key) bool {
	return k.id == other.id && k.alg == other.alg && k.material.sum == other.material.sum
}

// Verify returns the payload of token if its signature is this key's. An error is ErrMalformed, ErrAlgorithm, when the
// header names another algorithm than the key's, or ErrSignature. It costs microseconds of CPU for HS256 and
// 40 to 80 for the others (BenchmarkVerify).
func (k *Key) Verify(token string) (payload []byte, err error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.alg)})
	if other := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &other) {
		return nil, ErrAlgorithm
	} else if err != nil {
		return nil, ErrMalformed // the library's error quotes the token
	}
	if payload, err = signed.Verify(k.material.value); err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

// String returns the id and the algorithm.
func (k *Key) String() string { return fmt.Sprintf("key %q (%s)", k.id, k.alg) }

// Format implements fmt.Formatter: every verb prints String.
func (k *Key) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(k.String())) }

// LogValue implements slog.LogValuer.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText implements encoding.TextMarshaler, and so the JSON form.
func (k *Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
