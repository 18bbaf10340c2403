package auth

import (
	"fmt"
	"log/slog"
)

// MaxToken is the longest token in bytes that is looked at. Proxies in front of a gateway allow request heads of about
// this size as a whole.
const MaxToken = 8 << 10

// Token is a secret that a client presents: a JWT or a publish key. It prints as "[token]", with every verb of package
// fmt, in slog and in JSON; [Token.Reveal] gives the secret itself. Tokens are values and immutable; the zero value is
// no token.
type Token struct {
	secret *string // behind a pointer, which fmt does not follow when it prints a struct around an unexported Token
}

// NewToken wraps a secret; an empty one gives the zero Token.
func NewToken(secret string) Token {
	if secret == "" {
		return Token{}
	}
	return Token{secret: &secret}
}

const redacted = "[token]"

// IsZero reports whether t is no token.
func (t Token) IsZero() bool { return t.secret == nil }

// Reveal returns the secret. It is for verifying, not for printing.
func (t Token) Reveal() string {
	if t.secret == nil {
		return ""
	}
	return *t.secret
}

// String returns "[token]", or nothing for the zero Token.
func (t Token) String() string {
	if t.secret == nil {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter: every verb prints String.
func (t Token) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(t.String())) }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText implements encoding.TextMarshaler.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalJSON implements json.Marshaler.
func (t Token) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }
