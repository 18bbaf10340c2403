package topic

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLen is the longest topic or pattern in bytes: a NATS subject must fit into a control line of 4 KiB together with
// the reply subject.
const MaxLen = 200

// maxTokens is the number of tokens that fit: one byte each, and the dots.
const maxTokens = (MaxLen + 1) / 2

// ErrSyntax is wrapped by every error of this package.
var ErrSyntax = errors.New("malformed topic or pattern")

// Check returns an error that wraps ErrSyntax and quotes the name unless it is a topic.
func Check(name string) error { return report(name, fault(name, false)) }

// CheckPattern is Check for a pattern: * as a whole token and > as the whole last one. Every topic is a pattern.
func CheckPattern(p string) error { return report(p, fault(p, true)) }

// Valid reports whether Check(name) is nil, without making an error.
func Valid(name string) bool { return fault(name, false) == "" }

// ValidPattern reports whether CheckPattern(p) is nil, without making an error.
func ValidPattern(p string) bool { return fault(p, true) == "" }

// IsWild reports whether a pattern has a wildcard, so that it may select more than the topic of its own name.
func IsWild(p string) bool { return strings.ContainsAny(p, "*>") }

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
