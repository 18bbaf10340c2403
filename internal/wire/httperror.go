package wire

import (
	"strconv"
	"time"
)

// HTTPError is a request's refusal, and the error type of ParseRequest, ParseSubscribe and AppendUpgrade.
// Values that this package returns are shared: they must not be modified.
type HTTPError struct {
	Status     int           // HTTP status code
	Code       string        // short machine-readable name, also fit for a metric label
	Message    string        // one sentence for people
	RetryAfter time.Duration // if positive: sent as Retry-After, rounded up to whole seconds
	Allow      string        // if not empty: sent as Allow, for 405
	Challenge  string        // if not empty: sent as WWW-Authenticate, which a 401 must have (RFC 9110 §15.5.2)
	CORS       CORS          // whose scripts may read the answer
}

// Error implements error.
func (e *HTTPError) Error() string {
	return strconv.Itoa(e.Status) + " " + e.Code + ": " + e.Message
}

// AppendHTTPError appends the whole response that refuses a request with e: a head that announces the end of the
// connection, and the JSON body {"error":code,"message":…}.
func AppendHTTPError(dst []byte, e *HTTPError) []byte {
	return appendErrorBody(AppendHTTPErrorHead(dst, e), e)
}

// AppendHTTPErrorHead is AppendHTTPError without the body: the answer to a HEAD request (RFC 9110 §9.3.2).
func AppendHTTPErrorHead(dst []byte, e *HTTPError) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(e.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reasonPhrase(e.Status)...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(errorBodyLen(e)), 10)
	if e.Allow != "" {
		dst = append(append(dst, "\r\nAllow: "...), e.Allow...)
	}
	if e.RetryAfter > 0 {
		dst = append(dst, "\r\nRetry-After: "...)
		dst = strconv.AppendInt(dst, int64((e.RetryAfter+time.Second-1)/time.Second), 10)
	}
	if e.Challenge != "" {
		dst = append(append(dst, "\r\nWWW-Authenticate: "...), e.Challenge...)
	}
	if e.CORS.Origin != "" {
		dst = append(e.CORS.appendTo(append(dst, "\r\n"...)), "Access-Control-Expose-Headers: Retry-After, WWW-Authenticate"...)
	}
	if e.Status == statusUpgradeRequired {
		// RFC 9110 §15.5.22 demands Upgrade, §7.8 its connection option, RFC 6455 §4.4 the version.
		dst = append(dst, "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close"...)
	} else {
		dst = append(dst, "\r\nConnection: close"...)
	}
	return append(dst, "\r\n\r\n"...)
}

func appendErrorBody(dst []byte, e *HTTPError) []byte {
	dst = append(dst, `{"error":`...)
	dst = AppendJSONString(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = AppendJSONString(dst, e.Message)
	return append(dst, '}', '\n')
}

// errorBodyLen encodes the body once more into the stack, because its length comes before it on the wire.
func errorBodyLen(e *HTTPError) int {
	var scratch [256]byte
	return len(appendErrorBody(scratch[:0], e))
}
