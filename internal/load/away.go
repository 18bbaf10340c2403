package load

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"tickgate/internal/wire"
)

// away is a client without a connection that will come back.
type away struct {
	due    int64 // Unix nanoseconds
	client client
}

// awayHeap orders the clients that are away by when they are due. It implements heap.Interface.
type awayHeap []away

func (h awayHeap) Len() int           { return len(h) }
func (h awayHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h awayHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *awayHeap) Push(x any) { *h = append(*h, x.(away)) }

// Pop implements heap.Interface.
func (h *awayHeap) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = away{}
	*h = (*h)[:last]
	return a
}

func (h *awayHeap) add(a away) { heap.Push(h, a) }

// due removes and returns a client whose time has come.
func (h *awayHeap) due(now int64) (away, bool) {
	if len(*h) == 0 || (*h)[0].due > now {
		return away{}, false
	}
	return heap.Pop(h).(away), true
}

// setAside keeps the id that a client resumes with until it is connected again: others may get more messages meanwhile than
// the ring remembers.
func (l *loop) setAside(s *client) {
	if id := l.ids.get(s.lastID); id != nil {
		l.lastIDs[s.index] = string(id)
	}
}

// Backoff without a hint from the server: doubled from base to limit, the upper half of it random, so that the clients
// of a server that restarts do not come back in step.
const (
	backoffBase  = 500 * time.Millisecond
	backoffLimit = 30 * time.Second
)

func backoff(attempts uint8) time.Duration {
	d := backoffLimit
	if attempts < 6 { // 500 ms << 6 is beyond the limit
		d = backoffBase << attempts
	}
	return d/2 + rand.N(d/2+1)
}

// comesBackAfter reports whether a client that was closed with code tries again (protocol.md, close codes).
func comesBackAfter(code uint16) bool {
	switch code {
	case wire.CloseNormal, wire.CloseProtocolError, wire.CloseUnsupportedData, wire.CloseInvalidData, wire.ClosePolicy,
		wire.CloseTooBig:
		return false
	}
	return true
}

// comesBackAfterStatus reports whether a client that was refused with an HTTP status tries again: where the server is
// in trouble, not where the request is wrong.
func comesBackAfterStatus(status int) bool {
	return status == 408 || status == 429 || status >= 500
}
