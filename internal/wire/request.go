package wire

// Request is one parsed request head. All slices alias the input of ParseRequest and are valid as long as it is.
// A Request is meant to be reused; it must not be shared between goroutines.
type Request struct {
	Raw      []byte // the head: from the method up to and including the empty line
	Method   []byte
	Target   []byte // the request target as sent
	Path     []byte // the target's path, not decoded
	RawQuery []byte // the target's query without the question mark, not decoded
	Host     []byte // the target's authority if it has one, else the Host field; may be empty
	Minor    uint8  // of the HTTP version: 0 for HTTP/1.0, 1 for HTTP/1.1, at most 9
	Upgrade  bool   // an upgrade to websocket is asked for, in HTTP/1.1 or later

	fields  int // where the field lines start in Raw
	seen    seen
	hasBody bool
}

// seen is the set of fields that may come only once.
type seen uint8

const (
	seenHost seen = 1 << iota
	seenLength
	seenCoding
)

// Header returns the value of the first field called name, or nil if there is none. Case is ignored.
// The value has no surrounding whitespace and no control characters, but it may contain bytes that are not UTF-8.
func (r *Request) Header(name string) []byte {
	return lookup(r.Raw[r.fields:], name)
}

// ParseRequest parses a request head at the start of b into r, which it resets first. It returns the head's length
// when it is complete, 0 and no error when more bytes are needed, and an *HTTPError as soon as the head is known to
// be bad. A head longer than limit bytes is an error: 414 if not even the request line fits, else 431. With an error
// r.Method is set if it could be read, and nothing else is to be relied upon.
//
// It is strict (RFC 9112) where being lenient lets two parsers disagree: lines end in CRLF and never fold, no whitespace
// comes before a colon, Host, Content-Length and Transfer-Encoding come at most once, and no control character passes.
// GET, HEAD and OPTIONS must not announce a body. What the method, the path and the fields mean is left to the caller.
// One empty line in front of the head is skipped (RFC 9112 §2.2) and counted in n.
func ParseRequest(b []byte, limit int, r *Request) (n int, err error) {
	*r = Request{}
	window := b
	if len(window) > limit {
		window = window[:limit]
	}
	h := headReader{b: window}
	herr := r.parse(&h)
	switch {
	case herr == nil:
		return h.pos, nil
	case herr != errMore:
		return 0, herr
	case len(window) < limit:
		return 0, nil
	case r.fields == 0:
		return 0, errTargetTooLong
	}
	return 0, errHeadTooLong
}

// parse reads a whole head; errMore means that it is not complete.
func (r *Request) parse(h *headReader) *HTTPError {
	if len(h.b) > 0 && h.b[0] == '\r' {
		if f := h.crlf(0); f != faultNone {
			return faultErrors[f]
		}
	}
	start := h.pos
	if err := r.parseLine(h); err != nil {
		return err
	}
	r.fields = h.pos - start
	for {
		name, value, f := h.field()
		if f != faultNone {
			return faultErrors[f]
		}
		if name == nil {
			break
		}
		if err := r.note(name, value); err != nil {
			return err
		}
	}
	r.Raw = h.b[start:h.pos:h.pos]
	return r.check()
}

// parseLine reads the request line (RFC 9112 §3).
func (r *Request) parseLine(h *headReader) (err *HTTPError) {
	if r.Method, err = h.word(classToken); err != nil {
		return err
	}
	if r.Target, err = h.word(classTarget); err != nil {
		return err
	}
	if r.Minor, err = h.version(); err != nil {
		return err
	}
	switch f := h.crlf(h.pos); f {
	case faultNone:
		return r.splitTarget()
	case faultControl:
		return errRequestLine
	default:
		return faultErrors[f]
	}
}

// word reads one or more bytes of class c and the single space behind them.
func (h *headReader) word(c class) ([]byte, *HTTPError) {
	start := h.pos
	end := skip(h.b, start, c)
	switch {
	case end == len(h.b):
		return nil, errMore
	case h.b[end] == '\n':
		return nil, faultErrors[faultBareLF]
	case h.b[end] != ' ' || end == start:
		return nil, errRequestLine
	}
	h.pos = end + 1
	return h.b[start:end:end], nil
}

// version reads HTTP/1.x and returns x.
func (h *headReader) version() (minor uint8, err *HTTPError) {
	const pattern = "HTTP/0.0" // 0 stands for any digit
	for i := range len(pattern) {
		if h.pos+i == len(h.b) {
			return 0, errMore
		}
		c := h.b[h.pos+i]
		digit := pattern[i] == '0' && '0' <= c && c <= '9'
		if c != pattern[i] && !digit {
			return 0, errRequestLine
		}
	}
	v := h.b[h.pos : h.pos+len(pattern)]
	h.pos += len(pattern)
	if v[5] != '1' {
		return 0, errVersion
	}
	return v[7] - '0', nil
}

// note checks a field that decides about framing or the upgrade.
func (r *Request) note(name, value []byte) *HTTPError {
	switch {
	case equalFold(name, "host"):
		return r.noteHost(value)
	case equalFold(name, "content-length"):
		return r.noteLength(value)
	case equalFold(name, "transfer-encoding"):
		return r.noteCoding(value)
	case equalFold(name, "upgrade"):
		// RFC 9110 §7.8: a server must ignore Upgrade in an HTTP/1.0 request.
		r.Upgrade = r.Upgrade || r.Minor > 0 && hasToken(value, "websocket")
	}
	return nil
}

func (r *Request) noteHost(value []byte) *HTTPError {
	if r.seen&seenHost != 0 || !validHost(value) {
		return errHost
	}
	r.seen |= seenHost
	if r.Host == nil {
		r.Host = value
	}
	return nil
}

func (r *Request) noteLength(value []byte) *HTTPError {
	n, ok := decimal(value)
	if !ok || r.seen&(seenLength|seenCoding) != 0 {
		return errFraming
	}
	r.seen |= seenLength
	r.hasBody = n > 0
	return nil
}

func (r *Request) noteCoding(value []byte) *HTTPError {
	// RFC 9112 §6.1: a coding in an HTTP/1.0 message is faulty framing.
	if r.seen&(seenLength|seenCoding) != 0 || r.Minor == 0 {
		return errFraming
	}
	if !equalFold(value, "chunked") {
		return errCoding
	}
	r.seen |= seenCoding
	r.hasBody = true
	return nil
}

// check is the last step, over the head as a whole.
func (r *Request) check() *HTTPError {
	if r.Minor > 0 && r.seen&seenHost == 0 {
		return errHost
	}
	if r.hasBody {
		switch string(r.Method) {
		case "GET", "HEAD", "OPTIONS":
			return errBody
		}
	}
	return nil
}
