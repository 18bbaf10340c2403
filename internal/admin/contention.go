package admin

import (
	"net/http"
	"runtime"
	"sync"
)

// Sampling of contention: every 100th mutex wait, and one blocking event per 100 µs blocked.
const (
	mutexFraction = 100
	blockRate     = 100_000 // nanoseconds
)

// contention turns the runtime's sampling of waits on while somebody takes a profile of them. It is
// off otherwise, since it costs every wait something.
type contention struct {
	mu     sync.Mutex
	takers int // guarded by mu
}

// during samples while next takes a profile.
func (c *contention) during(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.add(1)
		defer c.add(-1)
		next.ServeHTTP(w, r)
	})
}

func (c *contention) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takers += n
	if c.takers > 0 {
		runtime.SetMutexProfileFraction(mutexFraction)
		runtime.SetBlockProfileRate(blockRate)
		return
	}
	runtime.SetMutexProfileFraction(0)
	runtime.SetBlockProfileRate(0)
}
