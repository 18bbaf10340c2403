package wire

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendSSEHead appends the response head that opens an event stream. The stream ends with the connection, so there
// is neither Content-Length nor a transfer coding. cors says who may read it.
func AppendSSEHead(dst []byte, cors CORS) []byte {
	dst = append(dst, "HTTP/1.1 200 OK\r\n"+
		"Content-Type: text/event-stream; charset=utf-8\r\n"+
		"Cache-Control: no-store\r\n"+
		"X-Accel-Buffering: no\r\n"+
		"Connection: close\r\n"...)
	return append(cors.appendTo(dst), "\r\n"...)
}

// AppendPreflight appends the answer to OPTIONS, a CORS preflight or a plain one. If cors names no origin, none but the
// server's own is let in.
func AppendPreflight(dst []byte, cors CORS) []byte {
	dst = append(dst, "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS\r\nConnection: close\r\n"...)
	if cors.Origin != "" {
		dst = append(dst, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"+
			"Access-Control-Allow-Headers: Authorization, Cache-Control, Last-Event-ID\r\n"+
			"Access-Control-Max-Age: 86400\r\n"...)
	}
	return append(cors.appendTo(dst), "\r\n"...)
}

// AppendSSERetry appends the advice to come back retry after the stream has ended.
func AppendSSERetry(dst []byte, retry time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, max(retry.Milliseconds(), 0), 10)
	return append(dst, "\n\n"...)
}

// AppendSSEComment appends a comment and a blank line, which clients ignore: with an empty text it is the heartbeat. Line
// ends in text are dropped.
func AppendSSEComment(dst []byte, text string) []byte {
	dst = append(dst, ':')
	dst = appendLine(dst, text)
	return append(dst, '\n')
}

// AppendSSEEvent appends one event (WHATWG HTML §9.2.6): id and event only if they are not empty, and a data line for
// every line of data, however they end (CR, LF, CRLF). CR, LF and NUL are dropped from id and event, which would
// otherwise start another field or be ignored as a whole. What is not UTF-8 becomes U+FFFD, as the client would make it.
func AppendSSEEvent(dst []byte, id, event string, data []byte) []byte {
	if id != "" {
		dst = appendLine(append(dst, "id: "...), id)
	}
	if event != "" {
		dst = appendLine(append(dst, "event: "...), event)
	}
	for more := true; more; {
		var line []byte
		line, data, more = cutLine(data)
		dst = appendText(append(dst, "data: "...), line)
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}

// AppendSSEGap appends the event that tells a client that messages between the id it asked for and the oldest one
// still held are lost.
func AppendSSEGap(dst []byte, topic, requested, oldest string) []byte {
	dst = append(dst, "event: gap\ndata: {\"requested\":"...)
	dst = AppendJSONString(dst, requested)
	dst = append(dst, `,"oldest":`...)
	dst = AppendJSONString(dst, oldest)
	dst = append(dst, `,"topic":`...)
	dst = AppendJSONString(dst, topic)
	return append(dst, "}\n\n"...)
}

// cutLine splits b behind its first line end; more says that there was one, so another line follows, if empty.
func cutLine(b []byte) (line, rest []byte, more bool) {
	i := bytes.IndexByte(b, '\n')
	if j := bytes.IndexByte(b[:max(i, 0)], '\r'); j >= 0 {
		i = j
	} else if i < 0 {
		i = bytes.IndexByte(b, '\r')
	}
	if i < 0 {
		return b, nil, false
	}
	if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
		return b[:i], b[i+2:], true
	}
	return b[:i], b[i+1:], true
}

// appendLine appends s without CR, LF and NUL, and a line end. What is not UTF-8 becomes U+FFFD.
func appendLine(dst []byte, s string) []byte {
	for _, r := range s {
		if r != '\r' && r != '\n' && r != 0 {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '\n')
}

// appendText appends b with U+FFFD for what is not UTF-8.
func appendText(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		dst = utf8.AppendRune(dst, r)
		b = b[size:]
	}
	return dst
}
