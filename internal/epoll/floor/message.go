package floor

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"time"
)

// greet answers a whole request head, with the phase that follows, or with nil if it is not one: a WebSocket handshake
// if the request has a key, an event stream else.
func greet(head []byte) (answer []byte, to phase) {
	if !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		return nil, absent
	}
	if key := header(head, "sec-websocket-key"); key != nil {
		return appendUpgrade(nil, key), webSocket
	}
	return []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
		"Cache-Control: no-store\r\n\r\nretry: 1000\n\n"), eventStream
}

// header returns the value of a request's field.
func header(head []byte, name string) []byte {
	for line := range bytes.Lines(head) {
		field, value, ok := bytes.Cut(line, []byte(":"))
		if ok && string(bytes.ToLower(field)) == name {
			return bytes.TrimSpace(value)
		}
	}
	return nil
}

// appendUpgrade appends the answer to a handshake with that Sec-WebSocket-Key (RFC 6455 §4.2.2).
func appendUpgrade(dst, key []byte) []byte {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum(append(bytes.Clone(key), guid...))
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	return append(dst, "\r\n\r\n"...)
}

// closeFrame is a close frame without a code (RFC 6455 §5.5.1).
var closeFrame = []byte{0x88, 0}

// appendTick appends a tick with the number seq, meant for the time at, padded to size bytes.
func appendTick(dst []byte, seq uint64, at time.Time, size int) []byte {
	begin := len(dst)
	dst = append(dst, `{"sym":"FLOOR","price":`...)
	dst = strconv.AppendFloat(dst, 100+float64(seq%100)/100, 'f', 2, 64)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, `,"ts":`...)
	dst = strconv.AppendInt(dst, at.UnixNano(), 10)
	const pad = `,"pad":""}`
	if fill := size - (len(dst) - begin) - len(pad); fill >= 0 {
		dst = append(dst, `,"pad":"`...)
		dst = append(dst, bytes.Repeat([]byte("x"), fill)...)
		return append(dst, `"}`...)
	}
	return append(dst, '}')
}

// appendFrame appends an unmasked text frame (RFC 6455 §5.2) of less than 64 KiB.
func appendFrame(dst, payload []byte) []byte {
	const text, fin, extended = 0x01, 0x80, 126
	if n := len(payload); n < extended {
		dst = append(dst, fin|text, byte(n))
	} else {
		dst = append(dst, fin|text, extended, byte(n>>8), byte(n))
	}
	return append(dst, payload...)
}

// appendEvent appends an event of an event stream.
func appendEvent(dst []byte, seq uint64, payload []byte) []byte {
	dst = append(dst, "id: floor-"...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, "\ndata: "...)
	dst = append(dst, payload...)
	return append(dst, "\n\n"...)
}
