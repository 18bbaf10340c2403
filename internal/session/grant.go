package session

import (
	"math"
	"time"

	"tickgate/internal/auth"
	"tickgate/internal/wire"
)

// grant makes a session live by a verdict, in place of the one it had. nil is for gateways without tokens, where sessions
// never expire.
func (l *Loop) grant(c *conn, v *auth.Verdict) {
	s := c.State()
	s.expires = 0
	if v != nil && !v.Expires.IsZero() {
		seconds := v.Expires.Add(time.Second - 1).Unix() // never before the time
		s.expires = uint32(min(seconds, math.MaxUint32))
	}
	if s.phase == Open && !l.draining { // whose timer it is then
		l.watch(c)
	}
}

// untilExpiry returns how long a session's token still counts; not positive if it has expired.
func (s *State) untilExpiry() time.Duration {
	if s.expires == 0 {
		return math.MaxInt64
	}
	return time.Until(time.Unix(int64(s.expires), 0))
}

// expire ends an open session whose token has expired. A browser's event stream comes back, is refused with 401, and tells
// its page.
func (l *Loop) expire(c *conn) {
	if c.State().transport == SSE {
		l.out = wire.AppendSSERetry(l.out[:0], l.jitter(streamRetryLeast, streamRetrySpread))
	} else {
		l.out = wire.AppendCloseFrame(l.out[:0], wire.ClosePolicy, auth.ErrExpired.Error())
	}
	l.finish(c, TokenExpired)
}
