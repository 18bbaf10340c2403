package forwarded

import "bytes"

// AddForwarded appends the value of a Forwarded field (RFC 7239 §4): the for parameter of each of its elements. Its fields are to be
// added in their order. An element without one, and a field that breaks the grammar, count as one entry that cannot be understood: in
// a broken field nobody knows where the last element begins.
func (c *Chain) AddForwarded(value []byte) {
	s := scanner{b: value}
	for {
		node, pairs, ok := s.element()
		switch {
		case !ok:
			c.add(nil)
			return
		case pairs > 0: // RFC 9110 §5.6.1.2: empty elements do not count
			c.add(node)
		}
		if s.done() {
			return
		}
	}
}

// scanner reads a Forwarded field from left to right.
type scanner struct {
	b   []byte
	pos int
}

// done reports whether the field has ended; otherwise it moves behind the comma in front of the next element.
func (s *scanner) done() bool {
	if s.pos == len(s.b) {
		return true
	}
	s.pos++
	return false
}

// element reads pairs with semicolons between them up to a comma or the end, and returns the for parameter's value without quotes,
// nil if there is none.
func (s *scanner) element() (node []byte, pairs int, ok bool) {
	for {
		s.space()
		switch s.peek() {
		case 0, ',':
			return node, pairs, true
		case ';':
			s.pos++
			continue
		}
		name, value, ok := s.pair()
		if !ok {
			return nil, 0, false
		}
		if bytes.EqualFold(name, []byte("for")) {
			if node != nil {
				return nil, 0, false // RFC 7239 §4: each parameter once
			}
			node = value
		}
		pairs++
		s.space()
		if c := s.peek(); c != 0 && c != ',' && c != ';' {
			return nil, 0, false
		}
	}
}

// pair reads a token, an equals sign, and a token or quoted string.
func (s *scanner) pair() (name, value []byte, ok bool) {
	name = s.token()
	if len(name) == 0 || s.peek() != '=' {
		return nil, nil, false
	}
	s.pos++
	if s.peek() == '"' {
		value, ok = s.quoted()
		return name, value, ok
	}
	value = s.token()
	return name, value, len(value) > 0
}

// token reads what is no delimiter. Unlike RFC 9110's token it may have colons and brackets, which some proxies do not quote.
func (s *scanner) token() []byte {
	start := s.pos
	for s.pos < len(s.b) && bytes.IndexByte([]byte(" \t\",;="), s.b[s.pos]) < 0 {
		s.pos++
	}
	return s.b[start:s.pos]
}

// quoted reads a quoted string (RFC 9110 §5.6.4) and returns what is between the quotes. Escapes stay in it: no address has any.
func (s *scanner) quoted() (value []byte, ok bool) {
	s.pos++
	start := s.pos
	for ; s.pos < len(s.b); s.pos++ {
		switch s.b[s.pos] {
		case '\\':
			s.pos++
		case '"':
			value = s.b[start:s.pos]
			s.pos++
			return value, true
		}
	}
	s.pos = len(s.b)
	return nil, false
}

func (s *scanner) space() {
	for c := s.peek(); c == ' ' || c == '\t'; c = s.peek() {
		s.pos++
	}
}

// peek returns the next byte, 0 at the end. A field value has no zero bytes.
func (s *scanner) peek() byte {
	if s.pos >= len(s.b) {
		return 0
	}
	return s.b[s.pos]
}
