package wire

import "strings"

// class is a set of byte classes of RFC 9110 and RFC 9112; a byte can be in several.
type class uint8

const (
	classToken  class = 1 << iota // tchar, RFC 9110 §5.6.2
	classTarget                   // bytes of a request target
	classValue                    // bytes of a field value: VCHAR, obs-text, SP, HTAB; RFC 9110 §5.5
	classHost                     // bytes of a registered name or IPv4 address, RFC 3986 §3.2.2
)

// classes maps every byte to its classes. It is never written after the program has started.
var classes = buildClasses()

func buildClasses() (t [256]class) {
	for c := range 256 {
		b := byte(c)
		alnum := '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
		if alnum || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0 {
			t[c] |= classToken
		}
		// Browsers send more than RFC 3986 allows ({ | } ^ ` in queries), but never a fragment, a space or a non-ASCII byte.
		if '!' <= b && b <= '~' && b != '#' {
			t[c] |= classTarget
		}
		if b >= ' ' && b != 0x7f || b == '\t' {
			t[c] |= classValue
		}
		if alnum || strings.IndexByte("-._~%!$&'()*+,;=", b) >= 0 {
			t[c] |= classHost
		}
	}
	return t
}

// skip returns the index of the first byte of b, at i or behind it, that is not in class c; len(b) if all are.
func skip(b []byte, i int, c class) int {
	for i < len(b) && classes[b[i]]&c != 0 {
		i++
	}
	return i
}

// equalFold reports whether b is s, ASCII letters compared without case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c != s[i] && lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// trim cuts optional whitespace (RFC 9110 §5.6.3) off both ends of b.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// decimal parses b as 1 to 18 ASCII digits, which always fit an int64.
func decimal(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
