package publish

import (
	"maps"
	"sync"
	"sync/atomic"

	"tickgate/internal/bus"
)

// Stats are counts since the start.
type Stats struct {
	Stored     uint64            // messages acknowledged to their publisher, without duplicates
	Duplicates uint64            // messages that had been stored before
	Failed     map[string]uint64 // requests and lines that were refused, by code
}

type counters struct {
	stored, duplicates atomic.Uint64

	mu     sync.Mutex
	failed map[string]uint64 // guarded by mu; the codes are few and our own
}

func (c *counters) store(ack bus.Ack) {
	if ack.Duplicate {
		c.duplicates.Add(1)
		return
	}
	c.stored.Add(1)
}

func (c *counters) fail(code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = map[string]uint64{}
	}
	c.failed[code]++
}

// Stats returns the handler's counts.
func (h *Handler) Stats() Stats { return h.counts.snapshot() }

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Stored: c.stored.Load(), Duplicates: c.duplicates.Load(), Failed: maps.Clone(c.failed)}
}
