package hub

import (
	"slices"
	"strings"

	"tickgate/internal/topic"
)

// preparation is a view that somebody waits for.
type preparation struct {
	pattern string
	ready   []func()
}

// Prepare has the view of a pattern made elsewhere, for those who must not wait as [Hub.Open] does. ready is called once, on
// another goroutine, when the view is there or cannot be made, which Open tells then; it must not block. Views are made one
// after the other in the order in which they were asked for. An error wraps topic.ErrSyntax or ErrViews, and ready is not
// called then. Safe for concurrent use.
func (h *Hub) Prepare(pattern string, ready func()) error {
	if err := topic.CheckPattern(pattern); err != nil {
		return err
	}
	h.asking.Lock()
	defer h.asking.Unlock()
	if i := slices.IndexFunc(h.asked, func(p preparation) bool { return p.pattern == pattern }); i >= 0 {
		h.asked[i].ready = append(h.asked[i].ready, ready)
		return nil
	}
	if h.find(pattern, true) == nil && (h.viewCount()+len(h.asked) >= h.maxViews || h.joinedTooMuch()) {
		return ErrViews
	}
	h.asked = append(h.asked, preparation{strings.Clone(pattern), []func(){ready}})
	if !h.preparing {
		h.preparing = true
		go h.prepare()
	}
	return nil
}

func (h *Hub) viewCount() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.views)
}

// prepare makes the views that are asked for until there are none.
func (h *Hub) prepare() {
	for pattern, more := h.nextAsked(); more; pattern, more = h.nextAsked() {
		_, _ = h.openView(pattern) // an error is told to whoever opens it then
		for _, ready := range h.prepared() {
			ready()
		}
	}
}

// nextAsked returns the pattern that has waited longest.
func (h *Hub) nextAsked() (pattern string, ok bool) {
	h.asking.Lock()
	defer h.asking.Unlock()
	if len(h.asked) == 0 {
		h.preparing = false
		return "", false
	}
	return h.asked[0].pattern, true
}

// prepared takes the first pattern off the list and returns who has waited for it.
func (h *Hub) prepared() []func() {
	h.asking.Lock()
	defer h.asking.Unlock()
	ready := h.asked[0].ready
	h.asked = slices.Delete(h.asked, 0, 1)
	return ready
}
