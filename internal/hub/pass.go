package hub

import "time"

const (
	// topicSlice is the number of sends after which another topic's pass gets its turn.
	topicSlice = maxBatch
	// visitsPerSend is the number of subscribers looked at that count as one send towards a budget: a
	// look takes about 5 ns, a send at least 1 µs; without the limit a walk over 1,000,000 subscribers that
	// need nothing would hold the loop for milliseconds.
	visitsPerSend = 64
)

// Work delivers what is due, at most about budget sends, and reports whether there is more to do. The loop
// calls it after a kick, and again as long as it returns true.
func (f *Fanout) Work(budget int) (more bool) {
	f.working = true
	f.release(budget)
	f.takeNews()
	left := budget - f.live(budget-f.reserve(budget))
	left -= f.catchUp(&f.behind, left)
	f.live(left)
	f.working = false
	f.stats.behind.Store(uint64(f.waiting()))
	if f.pending() {
		return true
	}
	f.sleep()
	return false
}

func (f *Fanout) pending() bool {
	return f.active.len() > 0 || f.waiting() > 0 || f.news.Load() != nil || f.withheld.due(f.now)
}

// reserve returns what of the budget is for those who are behind: a quarter, in the long run, while there are some. What is
// live leaves them more whenever it is through.
func (f *Fanout) reserve(budget int) int {
	if f.behind.len() == 0 {
		f.share = 0
		return 0
	}
	f.share += budget
	whole := f.share / 4
	f.share %= 4
	return whole
}

// live goes on with the passes, and with the connections that these have left behind.
func (f *Fanout) live(budget int) (used int) {
	used = f.catchUp(&f.trailing, (budget+1)/2)
	used += f.passes(budget - used)
	return used + f.catchUp(&f.trailing, budget-used)
}

// passes goes on with the passes under way, by turns.
func (f *Fanout) passes(budget int) (used int) {
	for used < budget && f.active.len() > 0 {
		a := f.active.pop()
		used += f.pass(a, min(budget-used, topicSlice))
		switch {
		case a.closed:
		case a.remaining > 0:
			f.active.push(a)
		default:
			f.finish(a)
		}
	}
	return used
}

// refresh starts a pass after news. A pass that is under way finds the new head by itself.
func (f *Fanout) refresh(a *audience) {
	if a.closed || a.active || a.topic.Head() == a.carries {
		return
	}
	a.active = true
	a.worst, a.worstID = 0, 0
	f.carry(a, a.topic.Head())
	n := int32(len(a.list))
	a.at %= n
	if n > 1 { // anywhere but where the last pass began, which is where it ended
		a.at = (a.at + 1 + f.random.Int32N(n-1)) % n
	}
	f.active.push(a)
}

// finish ends a pass: everybody has been offered the newest message.
func (f *Fanout) finish(a *audience) {
	a.active = false
	a.compact()
	a.slowest = a.worstID
	a.lag.Store(a.worst)
	f.stats.passes.Add(1)
	f.stats.duration.observe(time.Since(a.began))
	f.dropped(a, false)
}

// pass walks on until the budget is used up or the pass is complete.
func (f *Fanout) pass(a *audience, budget int) (used int) {
	for used < budget && a.remaining > 0 && !a.closed {
		if head := a.topic.Head(); head != a.carries {
			f.dropped(a, true)
			f.carry(a, head)
			f.stats.overtaken.Add(1)
		}
		visits := f.collect(a, budget-used)
		used += max(f.flush(), 1, visits/visitsPerSend)
	}
	return used
}

// collect fills the batch with subscribers that need the same message, from where the pass stands.
func (f *Fanout) collect(a *audience, limit int) (visits int) {
	start := f.looked
	for most := limit * visitsPerSend; visits+f.looked-start < most && a.remaining > 0 && !f.batch.full(limit); visits++ {
		if id := a.list[a.at]; id > 0 && !f.offer(a, id) {
			break
		}
		a.step()
	}
	return visits + f.looked - start
}

// offer puts a subscriber that is met by a pass into the batch if it needs a message. It reports false if
// the batch has to be flushed first.
func (f *Fanout) offer(a *audience, id SubID) bool {
	s := f.subs.at(id)
	switch {
	case s.is(withheld):
		return true
	case s.is(behind):
		a.measure(id, s)
		return true
	}
	pos, what := f.want(a, id, s, a.carries)
	switch {
	case what == nothing:
		return true
	case what == unsure, s.next != id && f.mustWait(a, id, pos):
		f.wait(&f.trailing, id, s)
		return true
	case what == due:
		return f.join(a, pos, id, s)
	case f.batch.n > 0:
		return false
	default:
		f.overrun(a, s)
		return true
	}
}

// join puts a subscriber into the batch. It reports false if the batch has to be flushed first, or if the message has just
// been dropped; then the next look is a closer one.
func (f *Fanout) join(a *audience, pos uint64, id SubID, s *subscription) bool {
	late := s.is(paced) && f.isLate(a, pos, id)
	if f.batch.n > 0 && f.batch.late != late {
		return false
	}
	if f.batch.join(a, pos, id, s.conn) {
		f.batch.late = late
		return true
	}
	if f.batch.n == 0 {
		a.before = a.carries
	}
	return false
}

// carry makes head the message that the pass through a brings, to everybody once more.
func (f *Fanout) carry(a *audience, head uint64) {
	a.carries, a.seq, a.before = head, 0, head
	a.remaining = int32(len(a.list))
	m := a.topic.At(head)
	if m == nil {
		return
	}
	a.began, a.seq = m.received, m.Seq()
	if a.topic.view != nil {
		a.before = a.topic.view.before(head)
	}
	if f.watch != nil {
		f.watch.Began(a.seq, f.stats.delivered.Load(), f.stats.blocked.Load())
	}
}

// dropped says that the pass through a no longer brings its message.
func (f *Fanout) dropped(a *audience, overtaken bool) {
	if f.watch != nil && a.seq != 0 {
		f.watch.Ended(a.seq, f.stats.delivered.Load(), f.stats.blocked.Load(), overtaken)
	}
}

func (a *audience) step() {
	a.remaining--
	if a.at++; int(a.at) == len(a.list) {
		a.at = 0
	}
}

// measure keeps the largest lag that a pass meets.
func (a *audience) measure(id SubID, s *subscription) {
	c := uint64(s.cursor)
	if c >= a.carries {
		return
	}
	lag := a.carries - c
	if v := a.topic.view; v != nil {
		lag = v.count(c, a.carries)
	}
	if lag > a.worst {
		a.worst, a.worstID = lag, id
	}
}

// settled is told that the slowest subscriber of the last pass has caught up or left.
func (a *audience) settled() {
	a.slowest = 0
	a.lag.Store(0)
}
