package epoll

import (
	"errors"
	"fmt"
	"sync/atomic"
)

const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
)

// Slab holds the connections of all loops of a process, indexed by descriptor, in chunks of 1,024 that are made
// when a descriptor first needs them and never freed. Descriptors are small dense integers, so the table is as
// large as the most connections ever held at once. Safe for concurrent use by several loops: each touches only
// the entries of descriptors it owns.
type Slab[S any] struct {
	open   atomic.Int64
	quota  Quota // nil for none
	chunks []atomic.Pointer[[chunkSize]Conn[S]]
}

// NewSlab returns a table for descriptors below nofile (the process's RLIMIT_NOFILE).
func NewSlab[S any](nofile int) *Slab[S] {
	return &Slab[S]{chunks: make([]atomic.Pointer[[chunkSize]Conn[S]], nofile>>chunkBits+1)}
}

// Quota bounds the connections of several processes together. It is called by several loops at once.
type Quota interface {
	// Take reports whether there is room for one more connection, and takes it.
	Take() bool
	// Return gives back what Take has taken.
	Return()
}

// Share makes the connections of this Slab count towards q as well; one that q has no room for is refused with
// RefusedMaxConns. Call it before the first loop runs.
func (s *Slab[S]) Share(q Quota) { s.quota = q }

// Open returns the number of open connections of all loops. Safe for concurrent use.
func (s *Slab[S]) Open() int { return int(s.open.Load()) }

// at returns the entry of a descriptor whose chunk exists.
func (s *Slab[S]) at(fd int32) *Conn[S] {
	return &s.chunks[fd>>chunkBits].Load()[fd&(chunkSize-1)]
}

// errFull says that MaxConns connections are open, or as many as the processes may have together.
var errFull = errors.New("as many connections as allowed are open")

// claim counts a connection in, unless limit are open (0: no limit), and returns the entry of its descriptor, reset
// but for the generation.
func (s *Slab[S]) claim(fd, limit int) (*Conn[S], error) {
	i := fd >> chunkBits
	if i >= len(s.chunks) {
		return nil, fmt.Errorf("descriptor %d is beyond the %d the table was made for", fd, len(s.chunks)<<chunkBits)
	}
	if !s.count(limit) {
		return nil, errFull
	}
	chunk := s.chunks[i].Load()
	if chunk == nil {
		s.chunks[i].CompareAndSwap(nil, new([chunkSize]Conn[S]))
		chunk = s.chunks[i].Load()
	}
	c := &chunk[fd&(chunkSize-1)]
	c.gen.Load() // pairs with release: what the last owner wrote is over before this one writes
	c.reset(int32(fd))
	return c, nil
}

// count counts a connection in, if there is room for it.
func (s *Slab[S]) count(limit int) bool {
	n := s.open.Add(1)
	if limit > 0 && n > int64(limit) || s.quota != nil && !s.quota.Take() {
		s.open.Add(-1)
		return false
	}
	return true
}

// release gives the entry back and counts the connection out; the caller closes the descriptor afterwards, never
// before.
func (s *Slab[S]) release(c *Conn[S]) {
	s.open.Add(-1)
	if s.quota != nil {
		s.quota.Return()
	}
	c.gen.Add(1)
}

func (c *Conn[S]) reset(fd int32) {
	var zero S
	c.fd, c.state = fd, zero
	c.addr, c.port = [16]byte{}, 0
	c.flags, c.reason = 0, ReasonNone
	c.due, c.next, c.prev = 0, none, none
	c.unsent, c.leftover = 0, 0
	c.lastRead, c.lastWrite = 0, 0
}

// At returns the loop's connection with that descriptor, which must not have been given to OnClose yet.
func (l *Loop[S]) At(fd int32) *Conn[S] { return l.slab.at(fd) }
