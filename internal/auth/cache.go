package auth

import (
	"container/heap"
	"crypto/sha256"
	"sync"
	"time"

	"tickgate/internal/auth/keyset"
)

// digest identifies a token without keeping it: SHA-256 of its text.
type digest [sha256.Size]byte

// cache holds the verdicts of tokens that have been verified, until they expire. It is bounded; when it is full, the one
// that expires next makes room. Refusals are not held: who sends rubbish must not be able to fill it. It is safe for
// concurrent use.
type cache struct {
	limit int // immutable

	// guarded by mu
	mu      sync.Mutex
	entries map[digest]*entry
	order   byExpiry
}

type entry struct {
	sum     digest
	verdict *Verdict
	key     *keyset.Key // what verified the token; the entry ends when it is retired
	at      int         // in order
}

func newCache(limit int) *cache {
	return &cache{limit: limit, entries: map[digest]*entry{}}
}

// get returns nil if the token is not known to be valid at the time now.
func (c *cache) get(sum digest, now time.Time) *Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[sum]
	if e == nil {
		return nil
	}
	if !now.Before(e.verdict.Expires) || e.key.Retired() {
		c.removeLocked(e)
		return nil
	}
	return e.verdict
}

// put adds a verdict, which must expire.
func (c *cache) put(sum digest, verdict *Verdict, key *keyset.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[sum]; e != nil {
		c.removeLocked(e)
	}
	if len(c.order) >= c.limit {
		c.removeLocked(c.order[0])
	}
	e := &entry{sum: sum, verdict: verdict, key: key}
	c.entries[sum] = e
	heap.Push(&c.order, e)
}

func (c *cache) removeLocked(e *entry) {
	heap.Remove(&c.order, e.at)
	delete(c.entries, e.sum)
}

func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.order)
}

// byExpiry implements heap.Interface: the entry that expires next is first.
type byExpiry []*entry

func (q byExpiry) Len() int           { return len(q) }
func (q byExpiry) Less(i, j int) bool { return q[i].verdict.Expires.Before(q[j].verdict.Expires) }

func (q byExpiry) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

func (q *byExpiry) Push(x any) {
	e := x.(*entry)
	e.at = len(*q)
	*q = append(*q, e)
}

func (q *byExpiry) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
