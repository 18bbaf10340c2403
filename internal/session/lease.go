package session

import (
	"errors"
	"math"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/envelope"
	"tickgate/internal/epoll"
)

// lease is what an envelope session may do by its token, which it can replace.
type lease struct {
	verdict *auth.Verdict
	warning time.Time // when the client is told that the token expires; zero: not at all, or it has been told
	asked   bool      // another token is being verified
}

// warningTime is how long before its expiry a client is told, or half of the time that its token counts if that is less.
const warningTime = 30 * time.Second

var (
	errNoTokens = &envelope.Error{Code: envelope.Unsupported, Message: "this gateway asks for no tokens"}
	errAsked    = &envelope.Error{Code: envelope.Busy, Message: "another token of this connection is being verified; wait for the answer"}
)

// lease makes an envelope session keep its verdict. nil is for gateways without tokens.
func (l *Loop) lease(c *conn, v *auth.Verdict) {
	if v == nil {
		return
	}
	held := &lease{verdict: v}
	if !v.Expires.IsZero() {
		held.warning = v.Expires.Add(-min(warningTime, time.Until(v.Expires)/2))
	}
	l.envelopes.leases[c.FD()] = held
}

// verdict returns what an envelope session lives by, nil if the gateway asks for no tokens.
func (l *Loop) verdict(c *conn) *auth.Verdict {
	if held := l.envelopes.leases[c.FD()]; held != nil {
		return held.verdict
	}
	return nil
}

// mayPublish reports whether both what the client has been granted and the rules of topics let it publish.
func (l *Loop) mayPublish(c *conn, topic string) bool {
	p := &l.cfg.Publishing
	v := l.verdict(c)
	granted := p.Anonymous
	if v != nil {
		granted = v.Permissions
	}
	return granted.MayPublish(topic) && (p.Rules == nil || p.Rules(topic, v != nil))
}

// auth has another token verified. The answer may come later.
func (l *Loop) auth(c *conn, cmd *envelope.Command) *envelope.Error {
	held := l.envelopes.leases[c.FD()]
	switch {
	case held == nil:
		return errNoTokens
	case held.asked:
		return errAsked
	}
	fd, gen, ref := c.FD(), c.Gen(), cmd.Ref
	v, err := l.cfg.Access.Verifier.Check(auth.NewToken(string(cmd.Token)), func(v *auth.Verdict, err error) {
		l.epoll.Post(func() { l.verified(fd, gen, ref, v, err) })
	})
	if errors.Is(err, auth.ErrPending) {
		held.asked = true
		return nil
	}
	return l.renew(c, ref, v, err)
}

// verified is told what has become of a token that had to wait.
func (l *Loop) verified(fd int32, gen uint32, ref envelope.Ref, v *auth.Verdict, err error) {
	c := l.epoll.At(fd)
	if c.Gen() != gen || c.State().phase != Open {
		return
	}
	l.out = l.out[:0]
	l.envelopes.leases[fd].asked = false
	if fault := l.renew(c, ref, v, err); fault != nil {
		l.refuseCommand(ref, fault)
	}
	if end := l.flushAnswers(c); end != epoll.ReasonNone {
		l.finish(c, end)
	}
}

// renew makes a session live by another verdict, unless that does not grant what the session is subscribed to.
func (l *Loop) renew(c *conn, ref envelope.Ref, v *auth.Verdict, err error) *envelope.Error {
	if err != nil {
		return faultOf(err)
	}
	for t := range l.fanout.Topics(c.State().first) {
		if err := l.granted(v, t.Name()); err != nil {
			return faultOf(err)
		}
	}
	l.lease(c, v)
	l.grant(c, v)
	l.reply(envelope.AppendRenewed(l.envelopes.text, ref, c.State().untilExpiry()))
	return nil
}

// untilWarning returns how long it is until a client is to be told that its token expires.
func (l *Loop) untilWarning(c *conn) time.Duration {
	if c.State().transport != Envelope {
		return math.MaxInt64
	}
	held := l.envelopes.leases[c.FD()]
	if held == nil || held.warning.IsZero() {
		return math.MaxInt64
	}
	return time.Until(held.warning)
}

// warn tells a client that its token expires, once it is time.
func (l *Loop) warn(c *conn) {
	if l.untilWarning(c) > 0 {
		return
	}
	l.envelopes.leases[c.FD()].warning = time.Time{}
	l.out = l.out[:0]
	l.reply(envelope.AppendExpiring(l.envelopes.text, c.State().untilExpiry()))
	if end := l.flushAnswers(c); end != epoll.ReasonNone {
		l.finish(c, end)
	}
}
