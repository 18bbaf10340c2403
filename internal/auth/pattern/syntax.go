package pattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLen is the longest topic or pattern in bytes: what the bus stores.
const MaxLen = 200

// maxTokens is the number of tokens that fit: one byte each, and the dots.
const maxTokens = (MaxLen + 1) / 2

// ErrSyntax is wrapped by every error of this package.
var ErrSyntax = errors.New("malformed topic or pattern")

// Check returns an error that wraps ErrSyntax unless p is a pattern: 1 to 200 bytes of UTF-8 without white space and
// control characters, tokens separated by single dots, * only as a whole token and > only as the whole last one. Every
// topic is a pattern. The error quotes p.
func Check(p string) error {
	return report(p, fault(p, true))
}

// CheckTopic is Check for a topic: it has no wildcards.
func CheckTopic(topic string) error {
	return report(topic, fault(topic, false))
}

// Valid reports whether Check(p) is nil, without making an error.
func Valid(p string) bool { return fault(p, true) == "" }

// ValidTopic reports whether CheckTopic(topic) is nil, without making an error.
func ValidTopic(topic string) bool { return fault(topic, false) == "" }

func report(p, reason string) error {
	if reason == "" {
		return nil
	}
	return fmt.Errorf("%w %q: %s", ErrSyntax, p[:min(len(p), MaxLen)], reason)
}

// fault says what is wrong with p; it is empty if nothing is.
func fault(p string, wildcards bool) string {
	switch {
	case p == "":
		return "it is empty"
	case len(p) > MaxLen:
		return "it is longer than 200 bytes"
	case !utf8.ValidString(p):
		return "it is not UTF-8"
	case strings.ContainsFunc(p, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "it has white space or control characters"
	}
	for more := true; more; {
		var token string
		token, p, more = strings.Cut(p, ".")
		switch {
		case token == "":
			return "it has an empty token"
		case !strings.ContainsAny(token, "*>"):
		case !wildcards:
			return "wildcards are not allowed here"
		case token == ">" && more:
			return "> stands only at the end"
		case token != "*" && token != ">":
			return "a wildcard stands for whole tokens"
		}
	}
	return ""
}
