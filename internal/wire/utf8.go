package wire

import "unicode/utf8"

// utf8State is what must be remembered of a UTF-8 text between two pieces of it: which bytes may come next.
// The zero value is the state between two runes.
type utf8State uint8

const (
	utf8Between utf8State = iota
	utf8One               // one continuation byte is missing
	utf8Two               // two
	utf8Three             // three
	utf8E0                // two, the next one not below A0: no overlong forms
	utf8ED                // two, the next one below A0: no surrogates
	utf8F0                // three, the next one not below 90: no overlong forms
	utf8F4                // three, the next one below 90: nothing beyond U+10FFFF
	utf8Invalid
)

// next returns the state after c (RFC 3629 §4). Between runes c must start a rune of several bytes.
func (s utf8State) next(c byte) utf8State {
	if s == utf8Between {
		return utf8Start(c)
	}
	low, high, then := byte(0x80), byte(0xbf), utf8Between
	switch s {
	case utf8Two:
		then = utf8One
	case utf8Three:
		then = utf8Two
	case utf8E0:
		low, then = 0xa0, utf8One
	case utf8ED:
		high, then = 0x9f, utf8One
	case utf8F0:
		low, then = 0x90, utf8Two
	case utf8F4:
		high, then = 0x8f, utf8Two
	}
	if c < low || c > high {
		return utf8Invalid
	}
	return then
}

// utf8Start returns the state after c, the first byte of a rune of several: C2 to F4.
func utf8Start(c byte) utf8State {
	switch {
	case c < 0xe0:
		return utf8One
	case c == 0xe0:
		return utf8E0
	case c == 0xed:
		return utf8ED
	case c < 0xf0:
		return utf8Two
	case c == 0xf0:
		return utf8F0
	case c < 0xf4:
		return utf8Three
	}
	return utf8F4
}

// add returns the state after p. It is utf8Invalid as soon as no continuation could make the text valid.
func (s utf8State) add(p []byte) utf8State {
	for s != utf8Between && s != utf8Invalid && len(p) > 0 {
		s, p = s.next(p[0]), p[1:]
	}
	if s == utf8Invalid || len(p) == 0 {
		return s
	}
	tail := unfinished(p)
	if !utf8.Valid(p[:tail]) {
		return utf8Invalid
	}
	for _, c := range p[tail:] {
		s = s.next(c)
	}
	return s
}

// unfinished returns where the rune starts that is cut off at p's end, but could become valid; len(p) if there is none.
func unfinished(p []byte) int {
	for i := len(p) - 1; i >= 0 && i >= len(p)-3; i-- {
		if c := p[i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(p[i:]) {
				return i
			}
			break
		}
	}
	return len(p)
}
