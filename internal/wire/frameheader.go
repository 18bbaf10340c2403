package wire

import (
	"encoding/binary"
	"math"
)

// frameHeader is a decoded frame header.
type frameHeader struct {
	length int64
	mask   [4]byte
	op     Opcode
	final  bool
	packed bool // compressed
}

// readHeader decodes the frame header that b starts with and returns its size, 0 if it is not complete. What is there
// of it is checked byte by byte from the left, so that a bad header fails alike whether it comes at once or in pieces.
func (d *Decoder) readHeader(b []byte, lim *Limits) (h frameHeader, size int, err *CloseError) {
	if len(b) == 0 {
		return h, 0, nil
	}
	h.op, h.final, h.packed = Opcode(b[0]&0x0f), b[0]&bitFin != 0, b[0]&bitRsv1 != 0
	if err = d.checkFirst(b[0]); err != nil || len(b) == 1 {
		return h, 0, err
	}
	if err = checkSecond(b[1], h.op, lim); err != nil {
		return h, 0, err
	}
	h.length, size, err = readLength(b)
	if err != nil || size == 0 {
		return h, 0, err
	}
	limit := lim.MaxMessage
	if limit <= 0 {
		limit = math.MaxInt64
	}
	if h.op&0x8 == 0 && h.length > limit-d.size {
		return h, 0, errTooBig
	}
	if b[1]&bitMask != 0 {
		if len(b) < size+len(h.mask) {
			return h, 0, nil
		}
		size += copy(h.mask[:], b[size:])
	}
	return h, size, nil
}

// checkFirst checks the first byte of a header: reserved bits, opcode and fragmentation.
func (d *Decoder) checkFirst(c byte) *CloseError {
	op, final := Opcode(c&0x0f), c&bitFin != 0
	switch {
	case c&bitsRsv == bitRsv1 && d.Deflates() && (op == OpText || op == OpBinary):
		return d.checkOpcode(op, final)
	case c&bitsRsv != 0:
		return errReservedBits
	}
	return d.checkOpcode(op, final)
}

// checkOpcode checks what may come here.
func (d *Decoder) checkOpcode(op Opcode, final bool) *CloseError {
	switch {
	case op > OpBinary && op < OpClose || op > OpPong:
		return errOpcode
	case op&0x8 != 0 && !final:
		return errControlFragment
	case op == OpContinuation && d.op == OpContinuation:
		return errContinuation
	case (op == OpText || op == OpBinary) && d.op != OpContinuation:
		return errInterleaved
	}
	return nil
}

// checkSecond checks the second byte of a header: the mask bit, and the length of a control frame.
func checkSecond(c byte, op Opcode, lim *Limits) *CloseError {
	switch masked := c&bitMask != 0; {
	case lim.Server && !masked:
		return errUnmasked
	case !lim.Server && masked:
		return errMasked
	case op&0x8 != 0 && c&0x7f > maxControl:
		return errControlLength
	}
	return nil
}

// readLength decodes the payload length, which ends size bytes into the header; size is 0 if it is not complete.
func readLength(b []byte) (length int64, size int, err *CloseError) {
	switch n := b[1] & 0x7f; {
	case n < 126:
		return int64(n), 2, nil
	case n == 126:
		if len(b) < 4 {
			return 0, 0, nil
		}
		length, size = int64(binary.BigEndian.Uint16(b[2:])), 4
		if length < 126 {
			return 0, 0, errLength
		}
	default:
		if len(b) < 10 {
			return 0, 0, nil
		}
		length, size = int64(binary.BigEndian.Uint64(b[2:])), 10
		if length <= math.MaxUint16 {
			return 0, 0, errLength // not the shortest form, or negative: the first bit must be 0
		}
	}
	return length, size, nil
}
