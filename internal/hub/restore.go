package hub

// Restore gives a topic the newest message that the stream holds of it, from before Config.Floor: what a quiet topic would
// lack otherwise after a start. What the topic had before that message counts as missing. Call it before the first Publish,
// once per topic, from one goroutine, and [Hub.Complete] afterwards. It returns false if there is no room for the topic.
func (h *Hub) Restore(p Publication) bool {
	h.writing.Lock()
	defer h.writing.Unlock()
	t := h.topicLocked(p.Topic)
	if t == nil {
		h.untracked.Add(1)
		h.incomplete = true
		return false
	}
	h.usedLocked(t)
	t.log.floor.Store(p.Seq - 1)
	t.publishLocked(newMessage(h.era.Load(), t, p))
	h.published.Add(1)
	h.budget.fitLocked(0)
	return true
}

// Complete says that every topic of which the stream holds a message has been restored, or has had a message by Publish: of
// all others it holds none above floor, its first sequence minus one, so that nobody who asks for one of these misses
// anything. It does nothing if some topics had no room, or if messages have been lost meanwhile.
func (h *Hub) Complete(floor uint64) {
	h.writing.Lock()
	defer h.writing.Unlock()
	if !h.incomplete && h.gaps.Load() == 0 {
		h.floor.Store(floor)
	}
}
