package epoll

import "github.com/panjf2000/gnet/v2/pkg/pool/byteslice"

// table is a side table: entries that few connections have at a time, referred to by index+1 so that 0 means
// none. It grows to the most entries ever needed at once and is reused from then on.
type table[T any] struct {
	entries []T
	free    []int32
}

func (t *table[T]) add(v T) (ref int32) {
	if n := len(t.free); n > 0 {
		ref = t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[ref-1] = v
		return ref
	}
	t.entries = append(t.entries, v)
	return int32(len(t.entries))
}

func (t *table[T]) at(ref int32) *T { return &t.entries[ref-1] }

func (t *table[T]) drop(ref int32) {
	var zero T
	t.entries[ref-1] = zero
	t.free = append(t.free, ref)
}

func (t *table[T]) inUse() int { return len(t.entries) - len(t.free) }

// unsent is what a full socket still has to take.
type unsent struct {
	// rest is the tail of a shared immutable frame; it keeps the frame alive and is never written to.
	rest []byte
	// pending are bytes of this connection alone, owned, from the byteslice pool; they follow rest.
	pending []byte
	// taken counts the bytes of pending the kernel has taken.
	taken int
}

func (u *unsent) len() int { return len(u.rest) + len(u.pending) - u.taken }

// compact takes the bytes that have been taken out of pending, which would otherwise grow without bound behind a
// peer that never takes quite everything.
func (u *unsent) compact() {
	if u.taken > 0 {
		u.pending = u.pending[:copy(u.pending, u.pending[u.taken:])]
		u.taken = 0
	}
}

// keep appends a copy of b to buf, a buffer of the byteslice pool, and returns the buffer to use from now on.
// The one passed in must not be used after.
func keep(buf, b []byte) []byte {
	if len(buf)+len(b) <= cap(buf) {
		return append(buf, b...)
	}
	grown := byteslice.Get(len(buf) + len(b))
	copy(grown[copy(grown, buf):], b)
	byteslice.Put(buf)
	return grown
}
