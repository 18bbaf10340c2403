package hub

import "iter"

// Topics iterates over the topics and views that the connection whose subscriptions start with first is subscribed to, in no
// order. The body must not change its subscriptions.
func (f *Fanout) Topics(first SubID) iter.Seq[*Topic] {
	return func(yield func(*Topic) bool) {
		for id := first; id != 0; {
			s := f.subs.at(id)
			if !yield(f.audienceOf(s).topic) {
				return
			}
			if id = s.next; id == first {
				return
			}
		}
	}
}
