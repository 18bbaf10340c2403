package auth

import (
	"errors"
	"time"

	"tickgate/internal/wire"
)

// Error is a refusal. All there are, are the variables below: they are shared, hold nothing of a token and must not be
// modified. The text says what is wrong and fits the reason of a WebSocket close frame.
type Error struct {
	// Reason is for counters.
	Reason Reason
	// HTTP is the answer before the upgrade; its message is the error's text. Status 401 means that another token may
	// help (RFC 9110 §15.5.2), 403 that this one is not allowed to, 503 that the same one may be accepted later.
	HTTP *wire.HTTPError
}

// Error implements error.
func (e *Error) Error() string { return e.HTTP.Message }

// Unwrap returns the answer before the upgrade, for those who answer with a *wire.HTTPError.
func (e *Error) Unwrap() error { return e.HTTP }

// The refusals.
var (
	ErrMissing    = unauthorized(ReasonMissing, "a token is needed: Authorization: Bearer, access_token or a cookie")
	ErrConflict   = challenging(refusal(ReasonConflict, 400, "bad_request", "several different tokens in one request; send one"), "invalid_request")
	ErrTooLong    = unauthorized(ReasonTooLong, "the token is longer than 8192 bytes")
	ErrMalformed  = unauthorized(ReasonMalformed, "the token is not a JWT in the compact form")
	ErrAlgorithm  = unauthorized(ReasonAlgorithm, "the token's algorithm is not accepted here")
	ErrUnknownKey = unauthorized(ReasonUnknownKey, "the token names a key that is not known here")
	ErrSignature  = unauthorized(ReasonSignature, "the token's signature does not verify")
	ErrClaims     = unauthorized(ReasonClaims, "the token's claims are incomplete or malformed")
	ErrExpired    = unauthorized(ReasonExpired, "the token has expired; get a new one")
	ErrNotYet     = unauthorized(ReasonNotYet, "the token is not valid yet; compare the clocks")
	ErrIssuer     = unauthorized(ReasonIssuer, "the token's issuer is not accepted here")
	ErrAudience   = unauthorized(ReasonAudience, "the token is meant for another audience")
	ErrForbidden  = challenging(refusal(ReasonForbidden, 403, "forbidden", "the token does not grant this"), "insufficient_scope")
	ErrBusy       = later(ReasonBusy, "too many tokens wait to be verified")
	ErrKeys       = later(ReasonUnavailable, "the keys for tokens are not available")
	ErrClosed     = later(ReasonClosed, "the gateway is stopping")
)

// ErrPending is no refusal: the outcome comes later, see [Verifier.Check].
var ErrPending = errors.New("the token is being verified")

func unauthorized(r Reason, text string) *Error {
	e := refusal(r, 401, "unauthorized", text)
	if r == ReasonMissing {
		e.HTTP.Challenge = challenge // RFC 6750 §3.1: who sent no token is told of no error
		return e
	}
	return challenging(e, "invalid_token")
}

// challenge begins each WWW-Authenticate field (RFC 6750 §3).
const challenge = `Bearer realm="tickgate"`

// challenging completes e with the error code of RFC 6750 §3.1. No text has quotes or backslashes.
func challenging(e *Error, code string) *Error {
	e.HTTP.Challenge = challenge + `, error="` + code + `", error_description="` + e.Error() + `"`
	return e
}

// later is a refusal that the token is not to blame for. Two seconds: a fetch of keys takes less, and so does a full queue.
func later(r Reason, text string) *Error {
	e := refusal(r, 503, "unavailable", text)
	e.HTTP.RetryAfter = 2 * time.Second
	return e
}

func refusal(r Reason, status int, code, text string) *Error {
	return &Error{Reason: r, HTTP: &wire.HTTPError{Status: status, Code: code, Message: text}}
}
