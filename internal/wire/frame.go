package wire

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Opcode is a frame's opcode (RFC 6455 §5.2).
type Opcode uint8

// The opcodes that are not reserved.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xa
)

// Bits of a frame's first two bytes.
const (
	bitFin  = 0x80
	bitMask = 0x80
	bitsRsv = 0x70
)

// MaxFrameHeader is the length of the longest frame header in bytes: masked, with a 64-bit length.
const MaxFrameHeader = ws.MaxHeaderSize

// AppendFrame appends an unmasked frame that is a whole message or a control frame.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	dst = appendFrameHeader(dst, bitFin|byte(op), 0, len(payload))
	return append(dst, payload...)
}

// AppendFragment appends an unmasked frame that is a part of a message; final says that it is the last one.
func AppendFragment(dst []byte, op Opcode, final bool, payload []byte) []byte {
	first := byte(op)
	if final {
		first |= bitFin
	}
	dst = appendFrameHeader(dst, first, 0, len(payload))
	return append(dst, payload...)
}

// AppendMessage appends payload as one unmasked frame: text if it is UTF-8, binary if not.
func AppendMessage(dst, payload []byte) []byte {
	if utf8.Valid(payload) {
		return AppendFrame(dst, OpText, payload)
	}
	return AppendFrame(dst, OpBinary, payload)
}

// AppendPing appends an unmasked ping. A control frame carries 125 bytes at most; the rest of payload is cut off.
func AppendPing(dst, payload []byte) []byte {
	return AppendFrame(dst, OpPing, payload[:min(len(payload), maxControl)])
}

// AppendPong appends an unmasked pong, the answer to a ping with the same payload, see AppendPing.
func AppendPong(dst, payload []byte) []byte {
	return AppendFrame(dst, OpPong, payload[:min(len(payload), maxControl)])
}

// AppendMaskedFrame is AppendFrame for clients, whose frames are masked (RFC 6455 §5.3). The key should be new and
// unpredictable for every frame.
func AppendMaskedFrame(dst []byte, op Opcode, payload []byte, key [4]byte) []byte {
	dst = appendFrameHeader(dst, bitFin|byte(op), bitMask, len(payload))
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	ws.Cipher(dst[start:], key, 0)
	return dst
}

// appendFrameHeader appends the first byte and the length n in its shortest form, with the mask bit of mask.
func appendFrameHeader(dst []byte, first, mask byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, first, mask|byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, first, mask|126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, mask|127), uint64(n))
}
