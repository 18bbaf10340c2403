package e2e

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// fleet is the gateways of one service as a load balancer sees them: clients and publishers are sent to one after
// another, also to those that are down. Safe for concurrent use.
type fleet struct {
	turn atomic.Int64

	mu       sync.Mutex
	gateways []*gateway // guarded by mu
}

// next returns the gateway whose turn it is.
func (f *fleet) next() *gateway {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gateways[int(f.turn.Add(1))%len(f.gateways)]
}

// put replaces gateway i.
func (f *fleet) put(i int, g *gateway) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gateways[i] = g
}

// follower is a client that comes back with the last id it has, to the next gateway, however its connection ended.
type follower struct {
	fleet *fleet
	open  func(f *follower, g *gateway) (stream, error)
	idOf  func(event) string // of the message to resume behind
	stop  chan struct{}
	ended chan struct{}

	mu    sync.Mutex
	past  []event // guarded by mu; of connections that have ended
	now   stream  // guarded by mu; nil while there is none
	moves int     // guarded by mu
}

// stream is a connection.
type stream interface {
	messages() []event
	over() <-chan struct{}
	end()
}

// follow starts a follower; it ends with the test.
func (f *follower) follow(t testing.TB) *follower {
	f.stop, f.ended = make(chan struct{}), make(chan struct{})
	go f.run()
	t.Cleanup(func() {
		close(f.stop)
		<-f.ended
	})
	return f
}

func (f *follower) run() {
	defer close(f.ended)
	for {
		s, err := f.open(f, f.fleet.next())
		if err == nil {
			f.serve(s)
		}
		select {
		case <-f.stop:
			return
		case <-after(err != nil):
		}
	}
}

// serve waits for the end of a connection.
func (f *follower) serve(s stream) {
	f.mu.Lock()
	f.now = s
	f.moves++
	f.mu.Unlock()
	select {
	case <-s.over():
	case <-f.stop:
	}
	s.end()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.past, f.now = append(f.past, s.messages()...), nil
}

// seen returns what has come so far.
func (f *follower) seen() []event {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Clone(f.past)
	if f.now != nil {
		all = append(all, f.now.messages()...)
	}
	return all
}

// connections returns the number of connections so far.
func (f *follower) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.moves
}

// last returns the id to resume behind, empty at the beginning. It is called between two connections.
func (f *follower) last() string {
	if n := len(f.past); n > 0 {
		return f.idOf(f.past[n-1])
	}
	return ""
}

// sseStream is a stream over SSE.
type sseStream struct{ *sse }

func (s sseStream) messages() []event     { return s.seen() }
func (s sseStream) over() <-chan struct{} { return s.done }
func (s sseStream) end()                  { s.close() }

// openFollowerSSE resumes by the header.
func openFollowerSSE(topics string) func(*follower, *gateway) (stream, error) {
	return func(f *follower, g *gateway) (stream, error) {
		header := http.Header{}
		if id := f.last(); id != "" {
			header.Set("Last-Event-ID", id)
		}
		s, err := trySSE("http://"+g.Addr+"/sse?last=0&"+topics, header)
		if err == nil && s.resp.StatusCode != http.StatusOK {
			s.close()
			err = errRefused
		}
		return sseStream{s}, err
	}
}

// wsStream is a stream over a WebSocket in raw mode: its messages have no ids.
type wsStream struct{ *wsClient }

func (s wsStream) messages() (list []event) {
	for _, m := range s.seen() {
		list = append(list, event{data: m})
	}
	return list
}
func (s wsStream) over() <-chan struct{} { return s.done }
func (s wsStream) end()                  { _ = s.conn.Close(); <-s.done }

// openFollowerWS resumes by the query.
func openFollowerWS(topics string) func(*follower, *gateway) (stream, error) {
	return func(f *follower, g *gateway) (stream, error) {
		url := "ws://" + g.Addr + "/ws?last=0&" + topics
		if id := f.last(); id != "" {
			url += "&lastEventId=" + id
		}
		c, err := dialWS(url)
		if err != nil {
			return nil, err
		}
		go c.read(true)
		return wsStream{c}, nil
	}
}
