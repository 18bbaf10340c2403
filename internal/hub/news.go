package hub

// push puts an audience on the news list. It is called by the publisher; the loop is kicked only when the
// list was empty, for it is already on its way otherwise.
func (f *Fanout) push(a *audience) {
	for {
		old := f.news.Load()
		a.next = old
		if f.news.CompareAndSwap(old, a) {
			if old == nil {
				f.kick()
			}
			return
		}
	}
}

// takeNews starts a pass for every audience on the news list, in the order in which they were put there.
func (f *Fanout) takeNews() {
	var oldestFirst *audience
	for a := f.news.Swap(nil); a != nil; {
		next := a.next
		a.next, oldestFirst = oldestFirst, a
		a = next
	}
	for a := oldestFirst; a != nil; {
		next := a.next
		a.next = nil
		a.dirty.Store(false) // before head is read: what comes later makes it dirty again
		f.refresh(a)
		a = next
	}
}
