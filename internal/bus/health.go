package bus

import (
	"sync/atomic"
	"time"
)

// outagePatience is how long a connection may be lost before publishers are refused at once. Another server of a
// cluster takes over within reconnectWait or so.
const outagePatience = 2 * time.Second

// health is what is wrong with the bus at the moment. It is safe for concurrent use.
type health struct {
	line   atomic.Pointer[trouble] // the connection; nil if it is well
	stream atomic.Pointer[trouble] // the external stream; nil if it is well, or not looked at
}

// trouble is something that is wrong.
type trouble struct {
	err   error
	since time.Time
	limit time.Duration // what publishers wait for it to end
}

// lasting returns what is wrong if it has been so for too long to wait for its end.
func (h *health) lasting() error {
	for _, p := range [...]*atomic.Pointer[trouble]{&h.line, &h.stream} {
		if t := p.Load(); t != nil && time.Since(t.since) > t.limit {
			return t.err
		}
	}
	return nil
}
