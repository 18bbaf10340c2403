package auth

import (
	"errors"
	"sync/atomic"
)

// Stats is a snapshot of what a Verifier has done.
type Stats struct {
	Accepted uint64          // verdicts given, those from the cache included
	Hits     uint64          // verdicts from the cache
	Refused  [reasons]uint64 // refusals by Reason
	Pending  int             // callers that wait for an outcome now
	Cached   int             // verdicts held now
}

// counters are written by whoever checks tokens: once per connection, so that one cache line for all is cheap enough.
type counters struct {
	accepted, hits atomic.Uint64
	refused        [reasons]atomic.Uint64
}

// outcome counts the result of a check. ErrPending counts when it is resolved.
func (c *counters) outcome(err error) {
	var refused *Error
	switch {
	case err == nil:
		c.accepted.Add(1)
	case errors.As(err, &refused):
		c.refused[refused.Reason].Add(1)
	}
}

// Refused counts a refusal that was found before or after Check: ErrConflict and ErrForbidden. Other errors are not ours and
// do not count.
func (v *Verifier) Refused(err error) {
	if err != nil {
		v.count.outcome(err)
	}
}

// Stats returns a snapshot. Its numbers are read one after the other.
func (v *Verifier) Stats() Stats {
	s := Stats{
		Accepted: v.count.accepted.Load(),
		Hits:     v.count.hits.Load(),
		Pending:  v.pending.len(),
		Cached:   v.cache.len(),
	}
	for i := range s.Refused {
		s.Refused[i] = v.count.refused[i].Load()
	}
	return s
}
