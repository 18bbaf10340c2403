package hub

import (
	"errors"

	"tickgate/internal/topic"
)

// Why Open refuses. Both pass: what nobody uses is forgotten.
var (
	// ErrTopics means that clients have brought as many topics into being as they may, see Config.MaxUnused, or that
	// there are Config.MaxTopics.
	ErrTopics = errors.New("too many topics without messages")
	// ErrViews means that there are Config.MaxViews patterns, or that they select too many topics in all.
	ErrViews = errors.New("too many patterns")
)

// Open returns what a client subscribes to: the topic of that name, or the view of the pattern, which it creates if need
// be. An error wraps topic.ErrSyntax, ErrTopics or ErrViews. Safe for concurrent use.
//
// The caller subscribes at once or not at all: what has nobody attached may be forgotten a minute later.
//
// A new view takes the caller time in proportion to the topics that there are and to the messages held of those that it
// selects (BenchmarkOpenView); an event loop has it made by [Hub.Prepare] before. Publishing goes on in between.
func (h *Hub) Open(name string) (*Topic, error) {
	if err := topic.CheckPattern(name); err != nil {
		return nil, err
	}
	wild := topic.IsWild(name)
	if t := h.find(name, wild); t != nil {
		t.touched.Store(true)
		return t, nil
	}
	if wild {
		return h.openView(name)
	}
	h.writing.Lock()
	defer h.writing.Unlock()
	return h.openTopicLocked(name)
}

func (h *Hub) find(name string, wild bool) *Topic {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if wild {
		return h.views[name]
	}
	return h.topics[name]
}

func (h *Hub) openTopicLocked(name string) (*Topic, error) {
	t := h.find(name, false)
	if t == nil {
		if h.unused >= h.maxUnused || int64(h.unused)*topicBytes > h.budget.limit/clientShare {
			return nil, ErrTopics
		}
		if t = h.topicLocked(name); t == nil {
			return nil, ErrTopics
		}
		t.unused = true
		h.unused++
	}
	t.touched.Store(true)
	return t, nil
}

// usedLocked is told that somebody publishes to t.
func (h *Hub) usedLocked(t *Topic) {
	if t.unused {
		t.unused = false
		h.unused--
	}
}
