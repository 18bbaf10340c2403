package session

import (
	"bytes"
	"errors"
	"net/http"

	"tickgate/internal/auth"
	"tickgate/internal/wire"
)

// waiter is a request whose token is being verified elsewhere, or for which a view is being made. It holds a copy of the request
// head; auth.Config.MaxPending and HandshakeBacklog bound how many there are.
type waiter struct {
	fd        int32
	transport Transport // asked for
	head      []byte
	pattern   string        // of the view; empty if it waits for its token
	verdict   *auth.Verdict // of one that waits for a view
}

// errWaits says that a request has been put aside.
var errWaits = errors.New("the request waits")

// errEarly refuses a client that goes on before it has been answered (RFC 6455 §4.1: it must wait).
var errEarly = &wire.HTTPError{
	Status: http.StatusBadRequest, Code: "bad_handshake", Message: "frames came before the handshake was answered",
}

// check has a token verified. If that takes longer the request is put aside, with HeaderTimeout once more to wait.
func (l *Loop) check(c *conn, r *wire.Request, token auth.Token) (*auth.Verdict, error) {
	w := &waiter{fd: c.FD(), transport: l.route(string(r.Path))}
	verdict, err := l.cfg.Access.Verifier.Check(token, func(v *auth.Verdict, err error) {
		l.epoll.Post(func() { l.decide(w, v, err) })
	})
	if errors.Is(err, auth.ErrPending) {
		w.head = bytes.Clone(r.Raw)
		l.waiting[w.fd] = w
		l.epoll.SetTimer(c, l.cfg.HeaderTimeout)
		return nil, errWaits
	}
	if err != nil {
		return nil, l.refusalOf(err)
	}
	return verdict, nil
}

// decide answers a request that has waited, unless its client has gone.
func (l *Loop) decide(w *waiter, v *auth.Verdict, err error) {
	if l.waiting[w.fd] != w {
		return
	}
	c := l.recall(w)
	if !c.Alive() {
		return
	}
	if err != nil {
		err = l.refusalOf(err)
	} else {
		err = l.begin(c, &l.request, v)
	}
	if err != nil && !errors.Is(err, errWaits) {
		l.refuse(c, err)
	}
}

// recall ends the waiting and makes the request that waited the current one again.
func (l *Loop) recall(w *waiter) *conn {
	l.forgetWaiter(w.fd)
	_, err := wire.ParseRequest(w.head, l.cfg.HeaderBytes, &l.request)
	if err == nil {
		err = wire.ParseSubscribe(&l.request, &l.subscribe)
	}
	if err != nil {
		panic("BUG: a request head parsed once and not again: " + err.Error())
	}
	return l.epoll.At(w.fd)
}

// forgetWaiter drops the request of a connection that waits, if there is one.
func (l *Loop) forgetWaiter(fd int32) {
	if w := l.waiting[fd]; w != nil {
		delete(l.waiting, fd)
		l.leaveView(fd, w.pattern)
	}
}

// whileWaiting takes bytes that come from a client before it has its answer. An event stream has no way up.
func (l *Loop) whileWaiting(w *waiter, b []byte) int {
	if len(b) > 0 && w.transport != SSE {
		l.refuse(l.recall(w), errEarly)
	}
	return len(b)
}

// waitedTooLong refuses a request whose token was not verified, or whose pattern was not opened, in time.
func (l *Loop) waitedTooLong(w *waiter) {
	what := "the token could not be verified in time"
	if w.pattern != "" {
		what = "a pattern could not be opened in time: many are being opened; come back later, or name topics"
	}
	l.refuse(l.recall(w), l.unavailable("unavailable", what))
}
