package iomodel

import "sync"

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

// close closes the connections of all subscribers: net/http does not know those that were hijacked.
func (r *registry) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for s := range r.all {
		_ = s.conn.Close()
	}
}
