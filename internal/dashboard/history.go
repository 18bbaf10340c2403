package dashboard

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// kept is how far back an opened page sees.
const kept = 10 * time.Minute

// maxEvents bounds the events of that time: a sample a second, and prices at up to tickRate a second.
const maxEvents = int(kept/time.Second) * (1 + tickRate)

// event is a sample or a price as it goes to every page.
type event struct {
	id    int64  // Unix milliseconds, made unique
	frame []byte // of the event stream; immutable
}

// history is the newest events, in order. Readers have positions in it and no queues. All methods are safe for concurrent use.
type history struct {
	mu      sync.Mutex
	events  []event       // guarded by mu
	changed chan struct{} // guarded by mu; closed when there is another event
}

func newHistory() *history { return &history{changed: make(chan struct{})} }

// add appends an event of a kind. Data is JSON in one line.
func (h *history) add(now time.Time, kind string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := milliseconds(now)
	if n := len(h.events); n > 0 {
		id = max(id, h.events[n-1].id+1)
	}
	h.events = append(h.events, event{id: id, frame: frame(kind, id, data)})
	h.expire(milliseconds(now.Add(-kept)))
	close(h.changed)
	h.changed = make(chan struct{})
}

// expire drops the events before a moment, and those that are too many. The caller holds h.mu.
func (h *history) expire(before int64) {
	drop := max(h.after(before-1), len(h.events)-maxEvents)
	if drop > 0 {
		h.events = slices.Delete(h.events, 0, drop) // clears what is left behind, so that its bytes can be collected
	}
}

// after returns the index of the first event after an id. The caller holds h.mu.
func (h *history) after(id int64) int {
	i, _ := slices.BinarySearchFunc(h.events, id+1, func(e event, id int64) int { return int(min(max(e.id-id, -1), 1)) })
	return i
}

// since returns the events after an id, and what is closed when there are more.
func (h *history) since(id int64) ([]event, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events[h.after(id):]), h.changed
}

// frame returns an event of an event stream (WHATWG HTML §9.2.6). Data has no line breaks. With id 0 the browser keeps the one
// before.
func frame(kind string, id int64, data []byte) []byte {
	if id == 0 {
		return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, data)
	}
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", id, kind, data)
}
