package keyset

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

// Why a token is refused. These are all that is said about it: nothing of the token gets into an error.
var (
	ErrMalformed = errors.New("not a signed token in compact form")
	ErrAlgorithm = errors.New("the token's algorithm is not accepted")
	ErrSignature = errors.New("the signature does not verify")
)

// Header is what a token's header says about its signature. Nothing of it has been verified.
type Header struct {
	Algorithm Algorithm
	KeyID     string // empty if the token names none
}

// rawHeader has the header parameters of RFC 7515 §4.1 that matter here. Package json of go-jose compares names with
// case and refuses duplicates, so that two readers cannot see two different headers.
type rawHeader struct {
	Algorithm Algorithm `json:"alg"`
	KeyID     string    `json:"kid"`

	// A token that brings its own key, or says where to get it, would be asking to be believed.
	JWK     json.RawMessage `json:"jwk"`
	JWKURL  json.RawMessage `json:"jku"`
	X509    json.RawMessage `json:"x5c"`
	X509URL json.RawMessage `json:"x5u"`

	Critical json.RawMessage `json:"crit"` // extensions that must be understood: we know none
	Base64   json.RawMessage `json:"b64"`  // RFC 7797 §7 forbids it in JWTs
}

// maxHeader is the longest header in base64url that is read, some 750 bytes of JSON. Real ones have 30 to 200; the worst
// one costs an event loop some seven times a usual one (BenchmarkReadHeader), and with 8 KiB it would be ten times that.
const maxHeader = 1000

// ReadHeader reads the header of a token in the compact form (RFC 7515 §7.1). It costs a few microseconds and bounds
// what the rest may contain: three parts of base64url without padding. An error is ErrMalformed, or ErrAlgorithm for
// every algorithm but HS256, RS256, ES256 and EdDSA.
func ReadHeader(token string) (Header, error) {
	if strings.Count(token, ".") != 2 || strings.ContainsFunc(token, notBase64URL) {
		return Header{}, ErrMalformed
	}
	first, _, _ := strings.Cut(token, ".")
	if len(first) > maxHeader {
		return Header{}, ErrMalformed
	}
	b, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return Header{}, ErrMalformed
	}
	var raw rawHeader
	if err := json.Unmarshal(b, &raw); err != nil {
		return Header{}, ErrMalformed
	}
	switch raw.Algorithm {
	case HS256, RS256, ES256, EdDSA:
	default:
		return Header{}, ErrAlgorithm
	}
	for _, refused := range []json.RawMessage{raw.JWK, raw.JWKURL, raw.X509, raw.X509URL, raw.Critical, raw.Base64} {
		if refused != nil {
			return Header{}, ErrMalformed
		}
	}
	return Header{Algorithm: raw.Algorithm, KeyID: raw.KeyID}, nil
}

// notBase64URL reports whether r stands in no token. The decoder alone would skip line ends.
func notBase64URL(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}
