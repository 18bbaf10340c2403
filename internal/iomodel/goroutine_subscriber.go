package iomodel

import (
	"net"
	"sync/atomic"
	"time"

	"tickgate/internal/hub"
)

// subscriber is a session of the goroutine model as others see it.
type subscriber struct {
	transport transport
	conn      net.Conn          // net/http or the socket reads and writes it; others may close it and set deadlines
	news      chan *hub.Message // of depth 1
	control   chan note
	gone      chan struct{} // closed when the session writes nothing more
	heard     atomic.Int64  // when something was read last, Unix nanoseconds
}

// note is what a session writes besides messages. With an end it is the last thing.
type note struct {
	bytes []byte
	end   reason
}

func newSubscriber(t transport, conn net.Conn) *subscriber {
	return &subscriber{
		transport: t, conn: conn,
		news: make(chan *hub.Message, 1), control: make(chan note), gone: make(chan struct{}),
	}
}

// offer puts m into the subscriber's channel, in the place of an older message that nobody took. It does not block, as
// long as there is one goroutine that offers.
func (s *subscriber) offer(m *hub.Message) {
	for {
		select {
		case s.news <- m:
			return
		default:
		}
		select {
		case <-s.news:
		default:
		}
	}
}

// tell waits until the session has taken n, or has ended.
func (s *subscriber) tell(n note) {
	select {
	case s.control <- n:
	case <-s.gone:
	}
}

// sendAway ends the session with a farewell. If it does not listen for the time linger, because its client does not read,
// it is ended by its write deadline.
func (s *subscriber) sendAway(farewell []byte, linger time.Duration) {
	late := time.NewTimer(linger)
	defer late.Stop()
	select {
	case s.control <- note{bytes: farewell, end: restart}:
	case <-s.gone:
	case <-late.C:
		_ = s.conn.SetWriteDeadline(time.Now())
	}
}

// reset closes the connection and drops what the kernel holds.
func (s *subscriber) reset() {
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = s.conn.Close()
}
