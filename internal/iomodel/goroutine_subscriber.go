package iomodel

import (
	"net"
	"sync/atomic"

	"tickgate/internal/hub"
)

// subscriber is a session of the goroutine model as others see it.
type subscriber struct {
	transport transport
	news      chan *hub.Message // of depth 1
	control   chan note
	gone      chan struct{} // closed when the session writes nothing more
	conn      net.Conn      // of a WebSocket; guarded by the registry's mutex
	heard     atomic.Int64  // when something was read last, Unix nanoseconds
}

// note is what a session writes besides messages. With an end it is the last thing.
type note struct {
	bytes []byte
	end   reason
}

func newSubscriber(t transport) *subscriber {
	return &subscriber{
		transport: t, news: make(chan *hub.Message, 1), control: make(chan note), gone: make(chan struct{}),
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

// tell waits until the session has taken n. It reports false if the session has ended.
func (s *subscriber) tell(n note) bool {
	select {
	case s.control <- n:
		return true
	case <-s.gone:
		return false
	}
}
