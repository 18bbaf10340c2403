package auth

import (
	"math"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/json"
)

// claims are those of a token's payload that matter here (RFC 7519 §4.1). Package json of go-jose compares names with
// case and refuses duplicates: EXP is not exp, and there is only one of it.
type claims struct {
	issuer   string
	subject  string
	audience []string
	expires  *float64 // seconds since 1970, perhaps with a fraction; nil if missing
	notUntil *float64
	grants   grants
}

// grants is the claim tickgate. What else is in it is an error: a restriction that an older gateway does not know must not
// be ignored by it.
type grants struct {
	Subscribe []string
	Publish   []string
}

// parseClaims reads a payload whose signature has been verified. It reports whether it could; there is no more to say,
// because the payload must not be quoted.
func parseClaims(payload []byte, grantsName string) (c claims, ok bool) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(payload, &raw) != nil || raw == nil {
		return claims{}, false
	}
	ok = member(raw, "iss", &c.issuer) && member(raw, "sub", &c.subject) &&
		member(raw, "exp", &c.expires) && member(raw, "nbf", &c.notUntil) &&
		c.readAudience(raw["aud"]) && c.readGrants(raw[grantsName])
	return c, ok
}

// member reads an optional member of an object. JSON's null is none of the types there are.
func member[T any](raw map[string]json.RawMessage, name string, to *T) bool {
	value, given := raw[name]
	return !given || string(value) != "null" && json.Unmarshal(value, to) == nil
}

// readAudience reads aud: a string, or several (RFC 7519 §4.1.3).
func (c *claims) readAudience(value json.RawMessage) bool {
	var one string
	switch {
	case value == nil:
		return true
	case json.Unmarshal(value, &one) == nil:
		c.audience = []string{one}
		return string(value) != "null"
	}
	return json.Unmarshal(value, &c.audience) == nil
}

func (c *claims) readGrants(value json.RawMessage) bool {
	if value == nil {
		return true
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(value, &raw) != nil || raw == nil {
		return false
	}
	for name := range raw {
		if name != "subscribe" && name != "publish" {
			return false
		}
	}
	return member(raw, "subscribe", &c.grants.Subscribe) && member(raw, "publish", &c.grants.Publish)
}

// rules is what claims are held against.
type rules struct {
	issuers   []string      // any of them; none means that iss is not looked at
	audiences []string      // likewise
	leeway    time.Duration // for clocks that differ
}

// verdict checks the claims at the time now. An error is an *Error.
func (c *claims) verdict(r *rules, now time.Time) (*Verdict, error) {
	expires, ok := moment(c.expires)
	notUntil, okNot := moment(c.notUntil)
	if !ok || !okNot || c.expires == nil {
		return nil, ErrClaims
	}
	expires = expires.Add(r.leeway)
	switch {
	case !now.Before(expires):
		return nil, ErrExpired
	case c.notUntil != nil && now.Add(r.leeway).Before(notUntil):
		return nil, ErrNotYet
	case len(r.issuers) > 0 && !slices.Contains(r.issuers, c.issuer):
		return nil, ErrIssuer
	case len(r.audiences) > 0 && !slices.ContainsFunc(c.audience, func(a string) bool { return slices.Contains(r.audiences, a) }):
		return nil, ErrAudience
	}
	granted, err := NewPermissions(c.grants.Subscribe, c.grants.Publish)
	if err != nil {
		return nil, ErrClaims // err quotes a claim
	}
	return &Verdict{Subject: c.subject, Expires: expires, Permissions: granted}, nil
}

// lastSecond is the end of the year 9999: what lies behind it overflows somewhere.
const lastSecond = 253402300799

// moment turns a NumericDate (RFC 7519 §2) into a time. It is not ok if no such time can be meant.
func moment(seconds *float64) (t time.Time, ok bool) {
	if seconds == nil {
		return time.Time{}, true
	}
	if math.IsNaN(*seconds) || *seconds < 0 || *seconds > lastSecond {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(*seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}
