package epoll

import "github.com/panjf2000/gnet/v2/pkg/netpoll"

// stalled refers to a connection whose socket was said to be writable, and then took nothing.
//
// That happens when TCP's memory is exhausted (net.ipv4.tcp_mem, or the cgroup's): epoll looks at the socket's own buffer,
// which has room, whereas send(2) finds no memory to fill it. Epoll would say so again at once, and the loop would do
// nothing but ask. So such a connection waits for the next tick.
type stalled struct {
	fd  int32
	gen uint32
}

// stall stops waiting for room until the next tick.
func (l *Loop[S]) stall(c *Conn[S]) {
	l.stalls = append(l.stalls, stalled{c.fd, c.Gen()})
	l.wakeAt(l.wheel.now + 1)
	pa := netpoll.PollAttachment{FD: int(c.fd)}
	if err := l.poller.ModRead(&pa, l.edge(c)); err != nil {
		l.lost(c, errnoOf(err))
	}
}

// resumeStalled waits for room again. Those that have ended meanwhile are told by their generation.
func (l *Loop[S]) resumeStalled() {
	for _, s := range l.stalls {
		if c := l.slab.at(s.fd); c.Gen() == s.gen && c.has(flagBlocked) && !c.has(flagDead) {
			l.rearm(c)
		}
	}
	l.stalls = l.stalls[:0]
}
