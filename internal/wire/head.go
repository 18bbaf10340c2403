package wire

import "bytes"

// fault says why a head could not be read on. Requests and responses turn it into their own errors.
type fault uint8

const (
	faultNone    fault = iota
	faultMore          // the head is not complete yet
	faultBareLF        // a line ends in LF without CR
	faultBareCR        // a CR is not followed by LF
	faultControl       // a NUL or another control character
	faultFold          // a line starts with whitespace: obs-fold, RFC 9112 §5.2
	faultSpace         // whitespace before the colon, RFC 9112 §5.1
	faultName          // an empty field name, or a byte in it that is not a token's
)

// faultTexts say for people what a fault is.
var faultTexts = [...]string{
	faultNone:    "no fault",
	faultMore:    "the head is not complete",
	faultBareLF:  "a line of the head ends in LF without CR",
	faultBareCR:  "a CR in the head is not followed by LF",
	faultControl: "a control character in the head",
	faultFold:    "a line of the head starts with whitespace",
	faultSpace:   "whitespace between a field name and its colon",
	faultName:    "malformed field name",
}

// Error implements error.
func (f fault) Error() string { return faultTexts[f] }

// headReader walks over the lines of a message head. It looks at bytes strictly from left to right and stops at the
// first offence, so that a head that arrives in pieces fails at the same byte as one that arrives at once.
type headReader struct {
	b   []byte
	pos int
}

// crlf moves behind the line end that must be at i.
func (h *headReader) crlf(i int) fault {
	switch {
	case i == len(h.b):
		return faultMore
	case h.b[i] == '\n':
		return faultBareLF
	case h.b[i] != '\r':
		return faultControl
	case i+1 == len(h.b):
		return faultMore
	case h.b[i+1] != '\n':
		return faultBareCR
	}
	h.pos = i + 2
	return faultNone
}

// field reads one field line and moves behind it. The empty line that ends the head comes back as a nil name.
func (h *headReader) field() (name, value []byte, f fault) {
	i := skip(h.b, h.pos, classToken)
	if i == len(h.b) {
		return nil, nil, faultMore
	}
	if i == h.pos && h.b[i] == '\r' {
		return nil, nil, h.crlf(i)
	}
	if f = h.colon(i); f != faultNone {
		return nil, nil, f
	}
	name = h.b[h.pos:i]
	end := skip(h.b, i+1, classValue)
	if f = h.crlf(end); f != faultNone {
		return nil, nil, f
	}
	return name, trim(h.b[i+1 : end]), faultNone
}

// colon checks the byte at i, the first behind a field name.
func (h *headReader) colon(i int) fault {
	c, empty := h.b[i], i == h.pos
	switch {
	case c == ':' && !empty:
		return faultNone
	case c == ' ' || c == '\t':
		if empty {
			return faultFold
		}
		return faultSpace
	case c == '\n':
		return faultBareLF
	case c != '\r' && classes[c]&classValue == 0:
		return faultControl
	}
	return faultName
}

// lookup returns the value of the first field called name in lines, which hold the field lines of a head
// that has been parsed, up to and including the empty line. It is nil if there is none.
func lookup(lines []byte, name string) []byte {
	h := headReader{b: lines}
	for {
		n, v, f := h.field()
		if f != faultNone || n == nil {
			return nil
		}
		if equalFold(n, name) {
			return v
		}
	}
}

// count returns how many fields called name (lower case) are in lines, see lookup.
func count(lines []byte, name string) (c int) {
	h := headReader{b: lines}
	for {
		n, _, f := h.field()
		if f != faultNone || n == nil {
			return c
		}
		if equalFold(n, name) {
			c++
		}
	}
}

// fieldHasToken reports whether one of the fields called name in lines, see lookup, lists token.
func fieldHasToken(lines []byte, name, token string) bool {
	h := headReader{b: lines}
	for {
		n, v, f := h.field()
		if f != faultNone || n == nil {
			return false
		}
		if equalFold(n, name) && hasToken(v, token) {
			return true
		}
	}
}

// hasToken reports whether the comma-separated list contains token, ASCII case ignored.
func hasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var item []byte
		if i := bytes.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			item, list = list, nil
		}
		if equalFold(trim(item), token) {
			return true
		}
	}
	return false
}
