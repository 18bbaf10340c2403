package wire

import (
	"encoding/binary"
	"strconv"
	"time"
	"unicode/utf8"
)

// Close codes (RFC 6455 §7.4.1, the IANA registry, and 4000-4999 for private use).
const (
	CloseNormal          uint16 = 1000
	CloseGoingAway       uint16 = 1001
	CloseProtocolError   uint16 = 1002
	CloseUnsupportedData uint16 = 1003
	CloseNoStatus        uint16 = 1005 // stands for "no code"; never on the wire
	CloseAbnormal        uint16 = 1006 // stands for "no close frame"; never on the wire
	CloseInvalidData     uint16 = 1007
	ClosePolicy          uint16 = 1008
	CloseTooBig          uint16 = 1009
	CloseInternalError   uint16 = 1011
	CloseRestart         uint16 = 1012
	CloseOverloaded      uint16 = 1013
	CloseSlowConsumer    uint16 = 4008 // of a topic with policy all; tickgate's own
)

// maxControl is the longest payload of a control frame (RFC 6455 §5.5), maxReason what a close code leaves of it.
const (
	maxControl = 125
	maxReason  = maxControl - 2
)

// CloseError is why a peer's frames end the connection: what to put into the close frame sent back.
// Values that this package returns are shared: they must not be modified.
type CloseError struct {
	Code   uint16
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	return "close " + strconv.Itoa(int(e.Code)) + ": " + e.Reason
}

// ValidCloseCode reports whether a close frame may carry code: 1000-1003, 1007-1014 and 3000-4999. It is ours because
// ws.CheckCloseFrameData of gobwas/ws v1.5.0 refuses 1012-1014, which are registered, and accepts 5000-65535.
func ValidCloseCode(code uint16) bool {
	switch {
	case code >= 1000 && code <= 1014:
		return code < 1004 || code > 1006
	default:
		return code >= 3000 && code <= 4999
	}
}

// ParseClose takes the unmasked payload of a close frame apart. No payload gives CloseNoStatus. The reason aliases
// payload. An error is a *CloseError.
func ParseClose(payload []byte) (code uint16, reason []byte, err error) {
	switch {
	case len(payload) == 0:
		return CloseNoStatus, nil, nil
	case len(payload) == 1:
		return 0, nil, errCloseLength
	}
	code, reason = binary.BigEndian.Uint16(payload), payload[2:]
	if !ValidCloseCode(code) {
		return 0, nil, errCloseCode
	}
	if !utf8.Valid(reason) {
		return 0, nil, errCloseReason
	}
	return code, reason, nil
}

// AppendClosePayload appends the payload of a close frame: nothing for CloseNoStatus, else the code and the reason,
// cut to 123 bytes between two runes.
func AppendClosePayload(dst []byte, code uint16, reason string) []byte {
	if code == CloseNoStatus {
		return dst
	}
	if len(reason) > maxReason {
		end := maxReason
		for end > 0 && !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	dst = binary.BigEndian.AppendUint16(dst, code)
	return append(dst, reason...)
}

// AppendCloseFrame appends an unmasked close frame, see AppendClosePayload.
func AppendCloseFrame(dst []byte, code uint16, reason string) []byte {
	var scratch [maxControl]byte
	return AppendFrame(dst, OpClose, AppendClosePayload(scratch[:0], code, reason))
}

const retryPrefix = "retry="

// AppendCloseRetry appends an unmasked close frame whose reason tells the client to come back after retry: retry=<ms>.
func AppendCloseRetry(dst []byte, code uint16, retry time.Duration) []byte {
	var scratch [maxControl]byte
	p := binary.BigEndian.AppendUint16(scratch[:0], code)
	p = append(p, retryPrefix...)
	p = strconv.AppendInt(p, max(retry.Milliseconds(), 0), 10)
	return AppendFrame(dst, OpClose, p)
}

// ParseRetry reads the hint that AppendCloseRetry puts into a reason.
func ParseRetry(reason []byte) (retry time.Duration, ok bool) {
	if len(reason) < len(retryPrefix) || string(reason[:len(retryPrefix)]) != retryPrefix {
		return 0, false
	}
	return milliseconds(reason[len(retryPrefix):])
}

// milliseconds parses a decimal number of milliseconds, up to a year.
func milliseconds(b []byte) (time.Duration, bool) {
	const year = 365 * 24 * time.Hour
	ms, ok := decimal(b)
	if !ok || ms > year.Milliseconds() {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}
