package epoll

import (
	"bytes"
	"slices"

	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"golang.org/x/sys/unix"
)

// maxLeaving bounds the descriptors that a loop spends on clients it has turned away. Those beyond it get their answer
// at accept, as do all when descriptors are exhausted.
const maxLeaving = 32

// leaving is a client that was turned away at accept and has not asked yet. An answer that comes before the question is
// taken for a broken connection by some clients (Go's net/http), and a question that comes behind the close is answered
// with a reset, which can take the answer away. So the answer waits for the first bytes, at most until the tick after
// the next one, and the close for a tick behind it. It is no connection: it has no entry in the slab, and no handler hears of it.
type leaving struct {
	fd       int
	answer   []byte // nil: it has been sent
	deadline uint32 // tick
}

// leave lets a client go when it has asked. It reports false if there are too many of them.
func (l *Loop[S]) leave(fd int, answer []byte) bool {
	if l.ending || !l.roomToLeave() || l.poller.AddRead(&netpoll.PollAttachment{FD: fd}, false) != nil {
		return false
	}
	l.leaving = append(l.leaving, leaving{fd, bytes.Clone(answer), l.wheel.now + 2})
	l.wakeAt(l.wheel.now + 1)
	return true
}

// roomToLeave makes room, if need be by closing the connection of the first that has its answer.
func (l *Loop[S]) roomToLeave() bool {
	if len(l.leaving) < maxLeaving {
		return true
	}
	i := slices.IndexFunc(l.leaving, func(g leaving) bool { return g.answer == nil })
	if i < 0 {
		return false
	}
	l.leaving[i].end()
	l.leaving = slices.Delete(l.leaving, i, i+1)
	return true
}

// end closes the connection, which resets it only for what came since the last look.
func (g *leaving) end() {
	discard(int32(g.fd), readBuffer)
	_ = unix.Close(g.fd)
}

// leaver returns which of those leaving has the descriptor, or -1.
func (l *Loop[S]) leaver(fd int) int {
	return slices.IndexFunc(l.leaving, func(g leaving) bool { return g.fd == fd })
}

// bid sends client i its answer: it has asked, or its time is up.
func (l *Loop[S]) bid(i int) {
	g := &l.leaving[i]
	if g.answer == nil {
		return // an event of the batch in which its time was up
	}
	_ = l.poller.Delete(g.fd)
	farewell(g.fd, g.answer)
	g.answer, g.deadline = nil, l.wheel.now+2
}

// bidAll deals with those whose time is up: the tick calls it.
func (l *Loop[S]) bidAll() {
	for i := range l.leaving {
		if g := &l.leaving[i]; g.deadline <= l.wheel.now || l.ending {
			l.bid(i)
		}
	}
	l.leaving = slices.DeleteFunc(l.leaving, func(g leaving) bool {
		if g.deadline > l.wheel.now && !l.ending {
			return false
		}
		g.end()
		return true
	})
}

// farewell sends last words and ends the sending side. Reading what the client has sent so far keeps close(2) from
// resetting the connection before they are read.
func farewell(fd int, answer []byte) {
	discard(int32(fd), readBuffer)
	_, _ = send(int32(fd), answer)
	_ = unix.Shutdown(fd, unix.SHUT_WR)
	discard(int32(fd), readBuffer)
}
