package keyset

import (
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// maxSet bounds the keys of a set. Providers publish two to five, and a set of thousands would only cost memory.
const maxSet = 64

// ParseJWKS returns the keys of a JWK set (RFC 7517 §5) that can be used here, and how many cannot: those of other types,
// sizes or algorithms, those for encryption, and symmetric ones, because a secret that is published is none. It is an
// error if nothing is left.
func ParseJWKS(data []byte) (keys []*Key, skipped int, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, 0, fmt.Errorf("%w: not a JWK set: %w", ErrKey, err)
	}
	if len(set.Keys) > maxSet {
		return nil, 0, fmt.Errorf("%w: %d keys in one set, at most %d are read", ErrKey, len(set.Keys), maxSet)
	}
	for _, raw := range set.Keys {
		if key := parseJWK(raw); key != nil {
			keys = append(keys, key)
		} else {
			skipped++
		}
	}
	if len(keys) == 0 {
		return nil, skipped, fmt.Errorf("%w: of the set's %d keys none is a public key for RS256, ES256 or EdDSA", ErrKey, skipped)
	}
	return keys, skipped, nil
}

// parseJWK returns nil for a key that is to be skipped (RFC 7517 §5 asks for that).
func parseJWK(raw []byte) *Key {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal(raw, &jwk); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return nil
	}
	if jwk.Use != "" && jwk.Use != "sig" {
		return nil
	}
	key, err := newPublic(jwk.KeyID, jwk.Key)
	if err != nil || jwk.Algorithm != "" && jwk.Algorithm != string(key.alg) {
		return nil
	}
	return key
}
