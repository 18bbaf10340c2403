package wire

import "errors"

// ChunkedDecoder is the state of a chunked body (RFC 9112 §7.1) between two reads: 16 bytes without pointers. The zero
// value is ready to use. It must not be used by two goroutines at the same time.
type ChunkedDecoder struct {
	left  int64 // bytes of the current chunk that are still to come
	state chunkState
}

type chunkState uint8

const (
	chunkSize    chunkState = iota // a chunk's first line comes next
	chunkData                      // its data
	chunkEnd                       // the line end behind its data
	chunkTrailer                   // the lines behind the last chunk
	chunkDone
)

// maxChunkLine bounds a chunk's first line and each trailer line, in bytes: extensions are ignored, but not endless.
const maxChunkLine = 1024

// ErrChunked is a body that is not chunked as it should be.
var ErrChunked = errors.New("malformed chunked body")

// Unwrap takes the framing out of b in place, so that the chunks' data is in one piece however it was cut:
//
//	before: b[:kept] data that an earlier call has unwrapped and the caller kept, b[kept:] as it came
//	after:  b[:lo] nothing any more, b[lo:hi] data, b[hi:] an incomplete piece of framing, as it came
//
// A caller that consumes b up to i, lo <= i <= hi, passes the rest again in front of what arrives next, with kept = hi-i.
func (c *ChunkedDecoder) Unwrap(b []byte, kept int) (lo, hi int, err error) {
	h := headReader{b: b, pos: kept}
	end := kept
	for {
		if f := c.framing(&h); f == faultMore || c.state == chunkDone {
			break
		} else if f != faultNone {
			return 0, 0, ErrChunked
		}
		size := int(min(c.left, int64(len(b)-h.pos)))
		if lo == end {
			lo, end = h.pos, h.pos
		}
		end += copy(b[end:], b[h.pos:h.pos+size])
		h.pos += size
		c.left -= int64(size)
		if c.left > 0 {
			break
		}
		c.state = chunkEnd
	}
	shift := h.pos - end
	copy(b[lo+shift:h.pos], b[lo:end])
	return lo + shift, h.pos, nil
}

// Done reports whether the last chunk and its trailer have come. What follows in b belongs to another message.
func (c *ChunkedDecoder) Done() bool { return c.state == chunkDone }

// framing reads up to the data of the next chunk, or to the end of the body.
func (c *ChunkedDecoder) framing(h *headReader) fault {
	if c.state == chunkEnd {
		if f := h.crlf(h.pos); f != faultNone {
			return f
		}
		c.state = chunkSize
	}
	if c.state == chunkSize {
		if f := c.sizeLine(h); f != faultNone {
			return f
		}
		c.state = chunkData
		if c.left == 0 {
			c.state = chunkTrailer
		}
	}
	for c.state == chunkTrailer {
		name, _, f := h.field()
		if f != faultNone {
			return h.limited(f)
		}
		if name == nil {
			c.state = chunkDone
		}
	}
	return faultNone
}

// sizeLine reads chunk-size [ chunk-ext ] CRLF. Sizes have at most 15 digits, so they fit an int64.
func (c *ChunkedDecoder) sizeLine(h *headReader) fault {
	i, size := h.pos, int64(0)
	for i < len(h.b) && unhex(h.b[i]) >= 0 {
		size = size<<4 | int64(unhex(h.b[i]))
		if i++; i-h.pos > 15 {
			return faultControl
		}
	}
	end := i
	if i < len(h.b) && (h.b[i] == ';' || h.b[i] == ' ' || h.b[i] == '\t') {
		end = skip(h.b, i, classValue)
	}
	if i == h.pos && i < len(h.b) {
		return faultName
	}
	if f := h.crlf(end); f != faultNone {
		return h.limited(f)
	}
	c.left = size
	return faultNone
}

// limited turns faultMore into a fault if the current line is too long already.
func (h *headReader) limited(f fault) fault {
	if f == faultMore && len(h.b)-h.pos > maxChunkLine {
		return faultName
	}
	return f
}
