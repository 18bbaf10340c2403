package session

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// Reconnect advice. A refused client should be back soon, but not at the same moment as all the others.
const (
	retryLeast  = time.Second
	retrySpread = 9 * time.Second
)

// What a request is refused with, besides the errors of package wire.
var (
	errNotFound = &wire.HTTPError{Status: http.StatusNotFound, Code: "not_found", Message: "there is /ws and /sse"}
	errMethod   = &wire.HTTPError{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "use GET", Allow: "GET, HEAD, OPTIONS"}
	errTimeout  = &wire.HTTPError{Status: http.StatusRequestTimeout, Code: "header_timeout", Message: "the request head did not arrive in time"}
)

// tooManyTopics refuses a request that names more than most topics.
func tooManyTopics(named, most int) *wire.HTTPError {
	return &wire.HTTPError{
		Status: http.StatusBadRequest, Code: "too_many_topics", Message: fmt.Sprintf("%d topics are named, a connection may have %d", named, most),
	}
}

// badTopic refuses a name that is neither a topic nor a pattern.
func badTopic(err error) *wire.HTTPError {
	return &wire.HTTPError{Status: http.StatusBadRequest, Code: "bad_topic", Message: err.Error()}
}

// unavailable returns a 503 with its own time to come back.
func (l *Loop) unavailable(code, message string) *wire.HTTPError {
	return &wire.HTTPError{
		Status: http.StatusServiceUnavailable, Code: code, Message: message,
		RetryAfter: l.jitter(retryLeast, retrySpread),
	}
}

// refuse answers the request with err, which is an *wire.HTTPError, and ends the connection.
func (l *Loop) refuse(c *conn, err error) {
	var refusal *wire.HTTPError
	if !errors.As(err, &refusal) {
		panic("BUG: a request was refused with " + err.Error())
	}
	l.counters.Refused[refusal.Code]++
	readable := *refusal
	readable.CORS = l.cors(&l.request)
	if string(l.request.Method) == http.MethodHead {
		l.out = wire.AppendHTTPErrorHead(l.out[:0], &readable)
	} else {
		l.out = wire.AppendHTTPError(l.out[:0], &readable)
	}
	l.finish(c, Refused)
}

// giveUp ends a connection whose request head did not come in time. One that sent nothing gets no answer: browsers open
// connections in advance, and have taken a 408 that waited there for the answer to the request they sent at last.
func (l *Loop) giveUp(c *conn) {
	if w := l.waiting[c.FD()]; w != nil {
		l.waitedTooLong(w)
		return
	}
	if c.State().arrival&begun == 0 {
		l.close(c, HeaderTimeout)
		return
	}
	l.counters.Refused[errTimeout.Code]++
	l.out = wire.AppendHTTPError(l.out[:0], l.unread(errTimeout))
	l.finish(c, HeaderTimeout)
}

// refusal is what a connection gets that cannot even be accepted. It is epoll.Config.Refusal.
func (l *Loop) refusal(reason epoll.Reason) []byte {
	l.counters.Refused[reason.String()]++
	l.out = wire.AppendHTTPError(l.out[:0], l.unread(l.unavailable("at_capacity", "the server is full")))
	return l.out
}

// unread returns a refusal of a request that was not read, so that nobody knows what page it is from.
func (l *Loop) unread(e *wire.HTTPError) *wire.HTTPError {
	readable := *e
	readable.CORS = l.cors(&wire.Request{})
	return &readable
}
