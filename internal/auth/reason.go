package auth

// Reason is why a token is refused, for counters.
type Reason uint8

// The reasons. Their names are metric labels.
const (
	ReasonMissing     Reason = iota // no token where one is needed
	ReasonConflict                  // several tokens that differ
	ReasonTooLong                   // more than MaxToken bytes
	ReasonMalformed                 // not a JWT in the compact form
	ReasonAlgorithm                 // signed with something else than HS256, RS256, ES256 or EdDSA, or without a key for it
	ReasonUnknownKey                // no key has the id that the token names
	ReasonSignature                 // the signature does not verify
	ReasonClaims                    // signed, but its claims are malformed or exp is missing
	ReasonExpired                   // exp has passed
	ReasonNotYet                    // nbf has not come
	ReasonIssuer                    // iss is not a configured one
	ReasonAudience                  // aud holds no configured one
	ReasonForbidden                 // valid, but not for this topic
	ReasonBusy                      // too many tokens wait for verification
	ReasonUnavailable               // the key set has not been fetched, or is too old
	ReasonClosed                    // the verifier has been closed
	reasons
)

var reasonNames = [reasons]string{
	ReasonMissing:     "missing",
	ReasonConflict:    "conflict",
	ReasonTooLong:     "too_long",
	ReasonMalformed:   "malformed",
	ReasonAlgorithm:   "algorithm",
	ReasonUnknownKey:  "unknown_key",
	ReasonSignature:   "signature",
	ReasonClaims:      "claims",
	ReasonExpired:     "expired",
	ReasonNotYet:      "not_yet_valid",
	ReasonIssuer:      "issuer",
	ReasonAudience:    "audience",
	ReasonForbidden:   "forbidden",
	ReasonBusy:        "busy",
	ReasonUnavailable: "keys_unavailable",
	ReasonClosed:      "closed",
}

// String returns the metric label.
func (r Reason) String() string {
	if r >= reasons {
		return "unknown"
	}
	return reasonNames[r]
}

// Reasons returns all reasons, for a page of metrics that shows zeros too.
func Reasons() []Reason {
	all := make([]Reason, reasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}
