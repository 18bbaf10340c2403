package session

import (
	"errors"

	"tickgate/internal/auth"
)

// keep remembers what an open session was granted, for one that may ask for more topics later. It is owned by the event loop and
// costs nothing where there are no tokens; the verdict is shared with all who brought the same token.
func (l *Loop) keep(c *conn, v *auth.Verdict) {
	if v != nil {
		l.verdicts[c.FD()] = v
	}
}

// verdict returns what an open session was granted, if it is kept. nil is a session of a gateway that asks for no tokens,
// whose clients may have everything.
func (l *Loop) verdict(c *conn) *auth.Verdict { return l.verdicts[c.FD()] }

// refresh verifies a token that an open session brings and, if it is good, has the session live by it: it expires later, and
// may have what the new token grants. then is told the outcome, an *auth.Error or nil, on the event loop: within the call
// if the outcome is known at once, and never if the session has begun to end. What the session has subscribed to is left
// alone.
func (l *Loop) refresh(c *conn, token auth.Token, then func(*conn, error)) {
	fd, gen := c.FD(), c.Gen()
	finish := func(v *auth.Verdict, err error) {
		c := l.epoll.At(fd)
		if c.Gen() != gen || !c.Alive() {
			return
		}
		if err == nil {
			l.keep(c, v)
			l.grant(c, v)
		}
		then(c, err)
	}
	v, err := l.cfg.Access.Verifier.Check(token, func(v *auth.Verdict, err error) {
		l.epoll.Post(func() { finish(v, err) })
	})
	if !errors.Is(err, auth.ErrPending) {
		finish(v, err)
	}
}
