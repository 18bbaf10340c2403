package load

import (
	"bytes"
	"strings"
)

// field finds the value of a JSON member by its name, without parsing the document around it. Immutable, safe for
// concurrent use.
//
// It takes the first member of that name at any depth, so the same setting works for a bare payload and for one inside
// an envelope ({"push":{"pub":{"data":{"seq":1}}}}). Where that is ambiguous, a dotted path narrows it down: each part
// is looked for behind the one before. A name inside a string value is not taken for a member, because there its quotes
// are escaped or no colon follows.
type field struct {
	names [][]byte // quoted: "ts"
}

// newField returns the field of a dotted path. The empty path is never found.
func newField(path string) field {
	var f field
	if path == "" {
		return f
	}
	for name := range strings.SplitSeq(path, ".") {
		f.names = append(f.names, []byte(`"`+name+`"`))
	}
	return f
}

// value returns what follows the member's colon, aliasing doc, or nil.
func (f *field) value(doc []byte) []byte {
	if len(f.names) == 0 {
		return nil
	}
	for _, name := range f.names {
		if doc = behindName(doc, name); doc == nil {
			return nil
		}
	}
	return doc
}

func behindName(doc, name []byte) []byte {
	for {
		i := bytes.Index(doc, name)
		if i < 0 {
			return nil
		}
		escaped := i > 0 && doc[i-1] == '\\'
		doc = skipSpace(doc[i+len(name):])
		if len(doc) > 0 && doc[0] == ':' && !escaped {
			return skipSpace(doc[1:])
		}
	}
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// sequence returns the member as a sequence number; numbers in quotes count too.
func (f *field) sequence(doc []byte) (seq uint64, ok bool) {
	b := unquoted(f.value(doc))
	n := 0
	for ; n < len(b) && isDigit(b[n]); n++ {
		seq = seq*10 + uint64(b[n]-'0')
	}
	return seq, n > 0 && n < 20 // 2^64 has 20 digits; no sequence gets there
}

// instant returns the member as Unix nanoseconds. The unit (s, ms, µs or ns) is told by the magnitude, which is
// unambiguous for the years 1973 to 2286; fractions count.
func (f *field) instant(doc []byte) (ns int64, ok bool) {
	b := unquoted(f.value(doc))
	var whole int64
	n := 0
	for ; n < len(b) && isDigit(b[n]); n++ {
		whole = whole*10 + int64(b[n]-'0')
	}
	if n == 0 || n > 19 || n < len(b) && b[n] == '-' { // no number, or a date
		return 0, false
	}
	unit := unitOf(whole)
	ns = whole * unit
	if n < len(b) && b[n] == '.' {
		ns += fraction(b[n+1:], unit)
	}
	return ns, ns > 0
}

// unitOf returns the nanoseconds per unit of a Unix time.
func unitOf(t int64) int64 {
	switch {
	case t < 1e10:
		return 1e9
	case t < 1e13:
		return 1e6
	case t < 1e16:
		return 1e3
	default:
		return 1
	}
}

func fraction(digits []byte, unit int64) (ns int64) {
	for i := 0; i < len(digits) && isDigit(digits[i]) && unit > 1; i++ {
		unit /= 10
		ns += int64(digits[i]-'0') * unit
	}
	return ns
}

func unquoted(b []byte) []byte {
	if len(b) > 0 && b[0] == '"' {
		return b[1:]
	}
	return b
}

func isDigit(c byte) bool { return c-'0' < 10 }

// text returns the member if it is a string without escapes, as ids are; nil if not.
func (f *field) text(doc []byte) []byte {
	b := f.value(doc)
	if len(b) == 0 || b[0] != '"' {
		return nil
	}
	b = b[1:]
	end := bytes.IndexAny(b, `"\`)
	if end < 0 || b[end] == '\\' {
		return nil
	}
	return b[:end]
}
