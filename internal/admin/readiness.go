package admin

import (
	"slices"
	"sync"
)

// Readiness collects the reasons for which the gateway should not get new clients. It is safe for
// concurrent use.
type Readiness struct {
	mu      sync.Mutex
	blocks  []Reason // guarded by mu
	checked []check  // guarded by mu
}

// Reason is why something is not ready.
type Reason struct {
	Name    string `json:"name"` // of what: bus, workers, drain
	Message string `json:"message"`
}

type check struct {
	name string
	run  func() error
}

// NewReadiness returns a Readiness that is blocked by each of names, until Unblock.
func NewReadiness(names ...string) *Readiness {
	r := &Readiness{}
	for _, name := range names {
		r.Block(name, "starting")
	}
	return r
}

// Block makes name a reason, such as drain. A second Block of a name replaces the message.
func (r *Readiness) Block(name, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unblockLocked(name)
	r.blocks = append(r.blocks, Reason{name, message})
}

// Unblock takes the reason back, if it was one.
func (r *Readiness) Unblock(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unblockLocked(name)
}

func (r *Readiness) unblockLocked(name string) {
	r.blocks = slices.DeleteFunc(r.blocks, func(b Reason) bool { return b.Name == name })
}

// Check adds a condition that is asked each time; its error is the reason. It must not block and
// must be safe for concurrent use.
func (r *Readiness) Check(name string, run func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked = append(r.checked, check{name, run})
}

// Reasons returns what there is against being ready; none means ready.
func (r *Readiness) Reasons() []Reason {
	r.mu.Lock()
	reasons, checked := slices.Clone(r.blocks), slices.Clone(r.checked)
	r.mu.Unlock()
	for _, c := range checked {
		if err := c.run(); err != nil {
			reasons = append(reasons, Reason{c.name, err.Error()})
		}
	}
	return reasons
}
