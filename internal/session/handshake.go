package session

import (
	"errors"
	"net/http"

	"tickgate/internal/auth"
	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// onHead looks for a complete request head and answers it. It returns how many bytes it consumed.
func (l *Loop) onHead(c *conn, b []byte) int {
	if w := l.waiting[c.FD()]; w != nil {
		return l.whileWaiting(w, b)
	}
	if c.State().arrival&awaitsProxy != 0 {
		return l.behindProxy(c, b)
	}
	n, err := wire.ParseRequest(b, l.cfg.HeaderBytes, &l.request)
	if n == 0 && err == nil {
		c.State().arrival |= begun
		return 0
	}
	switch {
	case err != nil:
		err = l.unexpected(b, err)
	case c.State().arrival&awaitsHead != 0:
		err = l.onForwarded(c, &l.request)
	}
	if err == nil {
		err = l.answer(c, &l.request)
	}
	if errors.Is(err, errWaits) {
		return n + l.whileWaiting(l.waiting[c.FD()], b[n:])
	}
	if err != nil {
		l.refuse(c, err)
		return len(b)
	}
	if n < len(b) && c.State().phase == Open {
		return n + l.OnData(c, b[n:])
	}
	return n
}

// answer opens a session or answers the request otherwise, or returns an error to refuse it with.
func (l *Loop) answer(c *conn, r *wire.Request) error {
	t := l.route(string(r.Path))
	asksAll := string(r.Path) == "*" // only OPTIONS has it: the server as a whole is meant, RFC 9110 §9.3.7
	if t == HTTP && !asksAll {
		return errNotFound
	}
	switch string(r.Method) {
	case http.MethodGet, http.MethodHead:
		return l.open(c, r, t)
	case http.MethodOptions:
		l.out = wire.AppendPreflight(l.out[:0], l.cors(r))
		l.finish(c, Answered)
		return nil
	}
	return errMethod
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

// open answers GET with a session, and HEAD with what GET would be answered with (RFC 9110 §9.3.2).
func (l *Loop) open(c *conn, r *wire.Request, t Transport) error {
	if l.draining {
		return l.turnAway(c, r, t)
	}
	if err := wire.ParseSubscribe(r, &l.subscribe); err != nil {
		return err
	}
	verdict, err := l.admit(c, r, t)
	if err != nil {
		return err
	}
	return l.begin(c, r, verdict)
}

// begin answers a request whose client may have what the verdict grants. It may have waited for that.
func (l *Loop) begin(c *conn, r *wire.Request, v *auth.Verdict) (err error) {
	t := l.route(string(r.Path))
	if l.draining {
		return l.turnAway(c, r, t)
	}
	head := string(r.Method) == http.MethodHead
	if t != SSE && !head {
		var deflate bool
		if t, deflate, err = l.upgrade(r, t); err != nil {
			return err
		}
		if deflate {
			c.State().decoder.AgreeDeflate()
		}
	}
	starts, err := l.starts(&l.subscribe, t, v)
	if o := opening(""); errors.As(err, &o) {
		l.beginLater(c, r, v, o)
		return errWaits
	}
	if err != nil {
		return err
	}
	switch {
	case head:
		return l.answerHead(c, t)
	case t == SSE:
		l.out = l.appendStreamStart(l.out[:0], starts)
	case t == WebSocket:
		l.out = appendGapField(l.out, starts)
	}
	l.grant(c, v)
	if t == Envelope {
		l.lease(c, v)
	}
	l.enterOpen(c, t, starts)
	return nil
}

// answerHead answers a HEAD request that is in order. It cannot ask for an upgrade.
func (l *Loop) answerHead(c *conn, t Transport) error {
	if t != SSE {
		return wire.ErrUpgradeRequired
	}
	l.out = wire.AppendSSEHead(l.out[:0], l.cors(&l.request))
	l.finish(c, Answered)
	return nil
}

// enterOpen sends the answer in l.out and begins the session behind it.
func (l *Loop) enterOpen(c *conn, t Transport, starts []start) {
	l.headDone()
	l.enter(c, t, Open)
	l.counters.Handshakes[t]++
	l.epoll.Write(c, l.out)
	if !c.Alive() {
		return
	}
	l.watch(c)
	if t == Envelope {
		if l.out = l.out[:0]; l.tellGaps(c, starts) != epoll.ReasonNone || l.flushAnswers(c) != epoll.ReasonNone {
			l.finish(c, AnswersUnread)
			return
		}
	}
	l.follow(c, starts)
}

// follow subscribes a session where it begins.
func (l *Loop) follow(c *conn, starts []start) {
	s := c.State()
	for _, from := range starts {
		s.first = l.fanout.Subscribe(s.first, c.FD(), from.topic, from.cursor)
	}
}

// protocols are the WebSocket subprotocols that are spoken besides none.
var protocols = []string{wire.Subprotocol}

// upgrade puts the answer to a WebSocket handshake into l.out. It returns Envelope in place of WebSocket if the client
// offers that subprotocol, and whether messages may be compressed.
func (l *Loop) upgrade(r *wire.Request, t Transport) (_ Transport, deflate bool, err error) {
	var offer []string
	if t == WebSocket {
		offer = protocols
	}
	out, terms, err := wire.AppendUpgrade(l.out[:0], r, offer, l.cfg.Compress && t == WebSocket)
	if err != nil {
		return t, false, err
	}
	l.out = out
	if terms.Protocol == wire.Subprotocol {
		t = Envelope
	}
	return t, terms.Deflate, nil
}
