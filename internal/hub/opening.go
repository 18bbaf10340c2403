package hub

import (
	"cmp"
	"slices"
	"strings"

	"tickgate/internal/topic"
)

// opening is a view in the making. Its topics become part of it slice by slice, and publishing goes on in between: what comes
// to them meanwhile is put aside.
type opening struct {
	view  *Topic
	rest  []*Topic // those to be looked at
	spans []span   // of the last slice
	found []entry  // what topics held when they became part of it
}

// span is a part of a topic's log.
type span struct {
	topic     *Topic
	from, end uint64
}

// openingSlice is the number of topics that are looked at while publishing waits: some 20 µs.
const openingSlice = 256

// openView returns the view of a pattern, which it makes if need be. One view is made at a time.
func (h *Hub) openView(pattern string) (*Topic, error) {
	h.opening.Lock()
	defer h.opening.Unlock()
	t := h.find(pattern, true)
	if t == nil {
		o, err := h.beginView(strings.Clone(pattern)) // it is a part of a client's request
		if err != nil {
			return nil, err
		}
		for len(o.rest) > 0 {
			h.selectSlice(o)
			o.collect()
		}
		slices.SortFunc(o.found, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
		o.found = slices.Grow(o.found, spare(len(o.found)))
		h.finishView(o)
		t = o.view
	}
	t.touched.Store(true)
	return t, nil
}

// beginView starts to make a view: topics that come into being from now on are part of it at once.
func (h *Hub) beginView(pattern string) (*opening, error) {
	h.writing.Lock()
	defer h.writing.Unlock()
	if len(h.views) >= h.maxViews || h.joinedTooMuch() {
		return nil, ErrViews
	}
	t := &Topic{hub: h, name: pattern, view: &view{budget: &h.budget, opening: true}}
	t.policy.Store(uint32(All))
	t.view.install(nil)
	h.building = t
	return &opening{view: t, rest: slices.Clone(h.order)}, nil
}

// joinedTooMuch reports whether topics are part of as many views as clients may bring about.
func (h *Hub) joinedTooMuch() bool { return h.joined.Load() > h.budget.limit/clientShare }

// selectSlice makes the next topics part of the view that are.
func (h *Hub) selectSlice(o *opening) {
	h.writing.Lock()
	defer h.writing.Unlock()
	n := min(openingSlice, len(o.rest))
	o.spans = o.spans[:0]
	for _, t := range o.rest[:n] {
		forgotten := t.place >= len(h.order) || h.order[t.place] != t
		if !forgotten && topic.Match(o.view.name, t.name) {
			t.joinLocked(o.view)
			o.view.view.raise(t, t.log.floor.Load())
			o.spans = append(o.spans, span{t, t.log.oldest.Load(), t.log.head.Load()})
		}
	}
	o.rest = o.rest[n:]
}

// collect looks up what the topics of the last slice held. What has been dropped meanwhile is missing.
func (o *opening) collect() {
	for _, s := range o.spans {
		for pos := s.from; pos <= s.end; pos++ {
			if m := s.topic.At(pos); m != nil {
				o.found = append(o.found, entry{place{s.topic, pos}, m.seq})
			}
		}
	}
}

// finishView lets clients find the view.
func (h *Hub) finishView(o *opening) {
	h.writing.Lock()
	defer h.writing.Unlock()
	v := o.view.view
	v.floor.Store(max(v.floor.Load(), h.forgotten))
	list := merge(o.found, v.aside)
	v.install(list)
	v.opening, v.aside, h.building = false, nil, nil
	if n := len(list); n > 0 {
		v.head.Store(list[n-1].seq)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.views[o.view.name] = o.view
}

// merge appends later to list and keeps the order; both are sorted. It takes time in proportion to later and to what of list
// has to come behind some of it.
func merge(list, later []entry) []entry {
	if len(later) == 0 {
		return list
	}
	start := after(list, later[0].seq)
	tail := slices.Clone(list[start:])
	list = list[:start]
	for len(tail) > 0 && len(later) > 0 {
		from := &later
		if tail[0].seq < later[0].seq {
			from = &tail
		}
		list = append(list, (*from)[0])
		*from = (*from)[1:]
	}
	return append(append(list, tail...), later...)
}
