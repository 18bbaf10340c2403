package wire

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// Subscribe is what the URL of /sse and /ws, together with the Last-Event-ID field, asks for.
type Subscribe struct {
	Topics      []string      // in the order given, as given; none means the default topic
	LastEventID string        // resume behind this message; empty if not asked for
	Last        int           // start with the newest Last messages of each topic; -1 if not given
	Interval    time.Duration // between two messages of a topic, at least, as max_rate asks for; 0 if not given
	AccessToken string        // for clients that cannot set Authorization, RFC 6750 §2.3; empty if not given
}

// ParseSubscribe parses r's query into s, which it resets first; the memory of s.Topics is reused. An error is an
// *HTTPError with status 400.
//
// Parameters: topic (repeatable), lastEventId, since (the same under the name that WebSocket clients know from the
// envelope), last (0 to 999999999), max_rate (see ParseRate) and access_token. Every other name is an error, so is a
// repeated one, an empty topic, and a value that is not UTF-8 or contains control characters. Percent-decoding is strict;
// + stands for a space. The Last-Event-ID field wins over the query, because a browser that reconnects repeats the query as
// it was at first. What a topic or an id may look like is left to the hub.
func ParseSubscribe(r *Request, s *Subscribe) error {
	*s = Subscribe{Topics: s.Topics[:0], Last: -1}
	var given params
	query := r.RawQuery
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if len(pair) == 0 {
			continue
		}
		if err := s.param(pair, &given); err != nil {
			return err
		}
	}
	if id := r.Header("last-event-id"); len(id) > 0 {
		if !utf8.Valid(id) {
			return badParameter("Last-Event-ID is not UTF-8")
		}
		s.LastEventID = string(id)
	}
	return nil
}

// params is the set of parameters that have been given and may not be given again.
type params uint8

const (
	paramResume params = 1 << iota
	paramLast
	paramToken
	paramRate
)

// param takes one name=value pair.
func (s *Subscribe) param(pair []byte, given *params) *HTTPError {
	rawName, rawValue, _ := bytes.Cut(pair, []byte("="))
	name, ok := unescape(rawName)
	if !ok {
		return badParameter("a malformed parameter name")
	}
	value, ok := unescape(rawValue)
	if !ok {
		return badParameter("a malformed value of parameter " + shorten(name))
	}
	var once params
	switch string(name) {
	case "topic":
		if len(value) == 0 {
			return badParameter("an empty topic")
		}
		s.Topics = append(s.Topics, string(value))
	case "lastEventId", "since":
		once, s.LastEventID = paramResume, string(value)
	case "access_token":
		once, s.AccessToken = paramToken, string(value)
	case "last":
		n, ok := decimal(value)
		if !ok || n > maxLast {
			return badParameter("last is not a number from 0 to 999999999")
		}
		once, s.Last = paramLast, int(n)
	case "max_rate":
		interval, ok := ParseRate(value)
		if !ok {
			return BadRate(shorten(value))
		}
		once, s.Interval = paramRate, interval
	default:
		return badParameter("unknown parameter " + shorten(name))
	}
	if *given&once != 0 {
		return badParameter("repeated parameter " + shorten(name))
	}
	*given |= once
	return nil
}

// maxLast bounds the last parameter so that it fits an int everywhere; the hub's logs are shorter.
const maxLast = 999999999

// shorten returns the beginning of a parameter's name, for a message.
func shorten(name []byte) string {
	return string(name[:min(len(name), 64)])
}

// unescape decodes an application/x-www-form-urlencoded name or value strictly: every % is followed by two hexadecimal
// digits, and the result is UTF-8 without control characters. Without an escape the result aliases b.
func unescape(b []byte) ([]byte, bool) {
	if bytes.IndexByte(b, '%') >= 0 || bytes.IndexByte(b, '+') >= 0 {
		var ok bool
		if b, ok = decodePercent(make([]byte, 0, len(b)), b); !ok {
			return nil, false
		}
	}
	return b, skip(b, 0, classValue) == len(b) && bytes.IndexByte(b, '\t') < 0 && utf8.Valid(b)
}

func decodePercent(dst, b []byte) ([]byte, bool) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(b) {
				return nil, false
			}
			high, low := unhex(b[i+1]), unhex(b[i+2])
			if high < 0 || low < 0 {
				return nil, false
			}
			dst = append(dst, byte(high<<4|low))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}

// unhex returns the value of a hexadecimal digit, -1 for other bytes.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func badParameter(message string) *HTTPError {
	return &HTTPError{Status: statusBadRequest, Code: "bad_parameter", Message: message}
}
