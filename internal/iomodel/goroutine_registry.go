package iomodel

import (
	"net"
	"sync"
)

// registry is the set of subscribers.
type registry struct {
	live sync.WaitGroup // one for each

	mu     sync.Mutex
	all    map[*subscriber]struct{} // guarded by mu
	closed bool                     // guarded by mu
}

func (r *registry) init() { r.all = make(map[*subscriber]struct{}) }

// add reports false if the registry has been closed.
func (r *registry) add(s *subscriber) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.live.Add(1)
	r.all[s] = struct{}{}
	return true
}

func (r *registry) remove(s *subscriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, s)
	r.live.Done()
}

// each calls f for every subscriber, in random order. f must not block.
func (r *registry) each(f func(*subscriber)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.all {
		f(s)
	}
}

// adopt tells the registry of the connection behind a subscriber, which net/http has given up and will not close.
func (r *registry) adopt(s *subscriber, conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.conn = conn
	if r.closed {
		_ = conn.Close()
	}
}

// close closes the connections of all subscribers, and those that are still to be adopted.
func (r *registry) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for s := range r.all {
		if s.conn != nil {
			_ = s.conn.Close()
		}
	}
}
