package wire

import "errors"

// Response is one parsed response head, a client's counterpart of Request. All slices alias the input of ParseResponse.
type Response struct {
	Raw           []byte // the head: from the status line up to and including the empty line
	Reason        []byte // the reason phrase, perhaps empty
	Status        int    // 100 to 599
	ContentLength int64  // -1 if not given
	Minor         uint8  // of the HTTP version
	Chunked       bool   // the body comes in chunks, see ChunkedDecoder

	fields int // where the field lines start in Raw
}

// What ParseResponse refuses, besides malformed lines.
var (
	ErrNotHTTP         = errors.New("not an HTTP/1 response")
	ErrResponseTooLong = errors.New("response head is too long")
	errResponseFraming = errors.New("repeated, conflicting or malformed Content-Length or Transfer-Encoding")
)

// Header returns the value of the first field called name, or nil if there is none. Case is ignored.
func (r *Response) Header(name string) []byte {
	return lookup(r.Raw[r.fields:], name)
}

// ParseResponse parses a response head at the start of b into r, which it resets first. It returns the head's length
// when it is complete, 0 and no error when more bytes are needed. It is as strict as ParseRequest. A response with a
// status below 200 is followed by another one, except for 101.
func ParseResponse(b []byte, limit int, r *Response) (n int, err error) {
	*r = Response{ContentLength: -1}
	window := b
	if len(window) > limit {
		window = window[:limit]
	}
	h := headReader{b: window}
	err = r.parse(&h)
	switch {
	case err == nil:
		return h.pos, nil
	case !errors.Is(err, faultMore):
		return 0, err
	case len(window) < limit:
		return 0, nil
	}
	return 0, ErrResponseTooLong
}

// parse reads a whole head; faultMore means that it is not complete.
func (r *Response) parse(h *headReader) error {
	if err := r.parseLine(h); err != nil {
		return err
	}
	r.fields = h.pos
	for {
		name, value, f := h.field()
		if f != faultNone {
			return f
		}
		if name == nil {
			break
		}
		if err := r.note(name, value); err != nil {
			return err
		}
	}
	r.Raw = h.b[:h.pos:h.pos]
	return nil
}

// parseLine reads the status line (RFC 9112 §4). The space behind the status may be missing, as it often is.
func (r *Response) parseLine(h *headReader) error {
	const pattern = "HTTP/1.0 000" // 0 stands for any digit
	if err := matchPattern(h.b, pattern); err != nil {
		return err
	}
	r.Minor = h.b[7] - '0'
	r.Status = int(h.b[9]-'0')*100 + int(h.b[10]-'0')*10 + int(h.b[11]-'0')
	if r.Status < 100 || r.Status > 599 {
		return ErrNotHTTP
	}
	end := skip(h.b, len(pattern), classValue)
	if end > len(pattern) && h.b[len(pattern)] != ' ' {
		return ErrNotHTTP
	}
	if f := h.crlf(end); f != faultNone {
		return f
	}
	r.Reason = trim(h.b[len(pattern):end])
	return nil
}

// matchPattern checks that b starts with pattern, in which 0 stands for any digit.
func matchPattern(b []byte, pattern string) error {
	for i := range len(pattern) {
		if i == len(b) {
			return faultMore
		}
		digit := pattern[i] == '0' && '0' <= b[i] && b[i] <= '9'
		if b[i] != pattern[i] && !digit {
			return ErrNotHTTP
		}
	}
	return nil
}

// note checks a field that decides about the body's framing.
func (r *Response) note(name, value []byte) error {
	length, coding := equalFold(name, "content-length"), equalFold(name, "transfer-encoding")
	if !length && !coding {
		return nil
	}
	if r.ContentLength >= 0 || r.Chunked {
		return errResponseFraming
	}
	if coding {
		r.Chunked = equalFold(value, "chunked")
		if !r.Chunked {
			return errResponseFraming
		}
		return nil
	}
	n, ok := decimal(value)
	if !ok {
		return errResponseFraming
	}
	r.ContentLength = n
	return nil
}
