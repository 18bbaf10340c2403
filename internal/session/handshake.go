package session

import (
	"errors"
	"net/http"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/hub"
	"tickgate/internal/wire"
)

// Reconnect advice. A refused client should be back soon, but not at the same moment as all the others.
const (
	retryLeast  = time.Second
	retrySpread = 9 * time.Second
	// streamRetry is what an event stream starts with: how long the browser waits after the connection is lost for a
	// reason that nobody could announce. The spread keeps a crash from becoming a storm.
	streamRetryLeast  = 1 * time.Second
	streamRetrySpread = 4 * time.Second
)

const allowed = "GET, HEAD, OPTIONS"

var (
	errNotFound = &wire.HTTPError{Status: http.StatusNotFound, Code: "not_found", Message: "there is /ws and /sse"}
	errMethod   = &wire.HTTPError{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "use GET", Allow: allowed}
	errTopic    = &wire.HTTPError{Status: http.StatusNotFound, Code: "unknown_topic", Message: "there is no such topic"}
	errTimeout  = &wire.HTTPError{Status: http.StatusRequestTimeout, Code: "header_timeout", Message: "the request head did not arrive in time"}
)

// corsOrigin is who may read the streams: without configured keys the public side is open.
const corsOrigin = "*"

// onHead looks for a complete request head and answers it. It returns how many bytes it consumed.
func (l *Loop) onHead(c *conn, b []byte) int {
	n, err := wire.ParseRequest(b, l.cfg.HeaderBytes, &l.request)
	if err != nil {
		l.refuse(c, err)
		return len(b)
	}
	if n == 0 {
		return 0
	}
	if err := l.answer(c, &l.request); err != nil {
		l.refuse(c, err)
		return len(b)
	}
	if n < len(b) && c.State().phase == Open {
		return n + l.OnData(c, b[n:])
	}
	return n
}

// answer opens a session, or returns an error to refuse the request with.
func (l *Loop) answer(c *conn, r *wire.Request) error {
	transport := l.route(string(r.Path))
	if transport == HTTP {
		return errNotFound
	}
	switch string(r.Method) {
	case http.MethodGet:
	case http.MethodHead:
		return l.answerHead(c, transport)
	case http.MethodOptions:
		l.out = wire.AppendPreflight(l.out[:0], corsOrigin)
		l.finish(c)
		return nil
	default:
		return errMethod
	}
	if l.draining {
		return l.unavailable("draining", "the server is restarting")
	}
	if err := wire.ParseSubscribe(r, &l.subscribe); err != nil {
		return err
	}
	return l.open(c, r, transport)
}

func (l *Loop) route(path string) Transport {
	switch {
	case path == "/ws":
		return WebSocket
	case path == "/sse":
		return SSE
	case path == "/echo" && l.cfg.Echo:
		return Echo
	}
	return HTTP
}

// answerHead answers HEAD with what GET without an upgrade would be answered with (RFC 9110 §9.3.2).
func (l *Loop) answerHead(c *conn, t Transport) error {
	if t != SSE {
		return l.refuseUpgrade()
	}
	l.out = wire.AppendSSEHead(l.out[:0], corsOrigin)
	l.finish(c)
	return nil
}

// refuseUpgrade returns the error for a request that asks for no upgrade where one is needed.
func (l *Loop) refuseUpgrade() error {
	_, _, err := wire.AppendUpgrade(nil, &wire.Request{}, nil)
	return err
}

func (l *Loop) open(c *conn, r *wire.Request, t Transport) (err error) {
	var subs []start
	if t != Echo {
		if subs, err = l.starts(&l.subscribe); err != nil {
			return err
		}
	}
	if t == SSE {
		l.out = l.appendStreamStart(l.out[:0], subs)
	} else if l.out, _, err = wire.AppendUpgrade(l.out[:0], r, nil); err != nil {
		return err
	}
	l.headDone()
	l.enter(c, t, Open)
	l.counters.Handshakes[t]++
	if l.epoll.Write(c, l.out) == epoll.Failed {
		return nil
	}
	l.watch(c)
	s := c.State()
	for _, sub := range subs {
		s.first = l.fanout.Subscribe(s.first, c.FD(), sub.topic, sub.cursor)
	}
	return nil
}

// start is where a new session begins in a topic.
type start struct {
	topic  *hub.Topic
	cursor hub.Cursor
	gap    bool // some of what the client asked for is not held any more
}

// starts finds out where the session that w asks for begins.
func (l *Loop) starts(w *wire.Subscribe) ([]start, error) {
	names := w.Topics
	if len(names) == 0 {
		names = append(names, l.cfg.DefaultTopic)
	}
	subs := make([]start, 0, len(names))
	for i, name := range names {
		t := l.topic(name)
		if t == nil {
			return nil, errTopic
		}
		if contains(names[:i], name) {
			continue
		}
		sub := start{topic: t}
		switch {
		case w.LastEventID != "":
			sub.cursor, sub.gap = t.Resume(w.LastEventID)
		case w.Last >= 0:
			sub.cursor = t.Last(w.Last)
		default:
			sub.cursor = t.Last(t.Policy().DefaultLast())
		}
		subs = append(subs, sub)
	}
	return subs, nil
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// topic returns the topic of that name if there is one; the default topic always is.
func (l *Loop) topic(name string) *hub.Topic {
	if name == l.cfg.DefaultTopic {
		return l.cfg.Hub.Topic(name)
	}
	return l.cfg.Hub.Lookup(name)
}

func (l *Loop) appendStreamStart(dst []byte, subs []start) []byte {
	dst = wire.AppendSSEHead(dst, corsOrigin)
	dst = wire.AppendSSERetry(dst, l.jitter(streamRetryLeast, streamRetrySpread))
	for _, sub := range subs {
		if sub.gap {
			dst = wire.AppendSSEGap(dst, sub.topic.Name(), l.subscribe.LastEventID, sub.topic.OldestID())
		}
	}
	return dst
}

// finish sends the answer in l.out and ends the connection.
func (l *Loop) finish(c *conn) {
	l.epoll.Write(c, l.out)
	l.close(c, Answered)
}

// refuse answers the request with err, which is an *wire.HTTPError, and ends the connection.
func (l *Loop) refuse(c *conn, err error) {
	var refusal *wire.HTTPError
	if !errors.As(err, &refusal) {
		panic("BUG: a request was refused with " + err.Error())
	}
	l.counters.Refused[refusal.Code]++
	if string(l.request.Method) == http.MethodHead {
		l.out = wire.AppendHTTPErrorHead(l.out[:0], refusal)
	} else {
		l.out = wire.AppendHTTPError(l.out[:0], refusal)
	}
	l.epoll.Write(c, l.out)
	reason := Refused
	if refusal == errTimeout {
		reason = HeaderTimeout
	}
	l.close(c, reason)
}

// unavailable returns a 503 with its own time to come back.
func (l *Loop) unavailable(code, message string) *wire.HTTPError {
	return &wire.HTTPError{
		Status: http.StatusServiceUnavailable, Code: code, Message: message,
		RetryAfter: l.jitter(retryLeast, retrySpread),
	}
}

// refusal is what a connection gets that cannot even be accepted.
func (l *Loop) refusal(reason epoll.Reason) []byte {
	l.counters.Refused[reason.String()]++
	l.out = wire.AppendHTTPError(l.out[:0], l.unavailable("at_capacity", "the server is full"))
	return l.out
}
