package hub

// Each calls f with every topic, in no order, until f returns false. It must not be asked for topics by f. Safe for
// concurrent use; while it runs, new topics wait.
func (h *Hub) Each(f func(*Topic) bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, t := range h.topics {
		if !f(t) {
			return
		}
	}
}
