package blame

// index finds messages by when they were due.
type index struct {
	book  *Book
	byDue map[int64][]place
}

// place is a message in the account of a process that serves clients.
type place struct {
	worker  string
	message Message
}

// index makes the index of what the book holds now.
func (b *Book) index() *index {
	x := &index{book: b, byDue: make(map[int64][]place)}
	for worker, l := range b.processes {
		for _, m := range l.messages {
			if m.Due != 0 && m.Received != 0 {
				x.byDue[m.Due] = append(x.byDue[m.Due], place{worker, m})
			}
		}
	}
	return x
}

// route is the way of a message through the gateway to the event loop that was done with it last.
type route struct {
	offered int64 // to the bus; when the bus had stored it if others published it
	first   int64 // first arrival in any process that serves clients
	served  Message
	worker  string
	pass    *Pass // the last one to end; nil if no loop has told
	pauses  []Collection
	assist  int64 // processor time that the collector took from the loop at most
	marking int64 // how much of the pass was during collections that the loop may have had to wait for
}

// route finds the message that was due at a moment, and of its ways the longest.
func (x *index) route(due int64) (*route, bool) {
	r := new(route)
	places := x.ofOne(x.byDue[due])
	for _, p := range places {
		pass := x.slowest(&p)
		if r.worker == "" || leftBy(&p.message, pass) > r.left() {
			r.served, r.worker, r.pass = p.message, p.worker, pass
		}
	}
	if r.worker == "" {
		return nil, false
	}
	r.first = r.served.Received
	for _, p := range places {
		r.first = min(r.first, p.message.Received)
	}
	feeder := x.feeder(r)
	x.collect(r, feeder)
	return r, true
}

// ofOne returns the places of one message. A feed may have messages of several topics that are due at the same moment: the
// swarm's is the one with the most sends.
func (x *index) ofOne(places []place) (one []place) {
	sends := make(map[uint64]uint64)
	for _, p := range places {
		for _, pass := range x.passes(&p) {
			sends[p.message.Seq] += pass.Sends
		}
	}
	var most uint64
	for seq, n := range sends {
		if best := sends[most]; n > best || n == best && (most == 0 || seq < most) {
			most = seq
		}
	}
	for _, p := range places {
		if len(sends) == 0 || p.message.Seq == most {
			one = append(one, p)
		}
	}
	return one
}

// feeder notes when the message was offered, and returns the process that did so, if it was one of the gateway's.
func (x *index) feeder(r *route) string {
	for worker, l := range x.book.processes {
		if m, ok := l.messages[r.served.Seq]; ok && m.Offered != 0 {
			r.offered = m.Offered
			return worker
		}
	}
	r.offered = r.served.Stored
	return ""
}

// slowest returns the pass that ended last; one under way has not ended yet.
func (x *index) slowest(p *place) (last *Pass) {
	passes := x.passes(p)
	for i := range passes {
		p := &passes[i]
		if last == nil || p.Ended == 0 || last.Ended != 0 && p.Ended > last.Ended {
			last = p
		}
	}
	return last
}

// reach is how many messages further on, of all topics, the one is looked for that brought another one along.
const reach = 512

// passes returns the loops' passes with a message. One that a loop found together with newer ones of its topic has no pass of
// its own: the next one brought it along.
func (x *index) passes(p *place) []Pass {
	messages := x.book.processes[p.worker].messages
	for seq := p.message.Seq; seq < p.message.Seq+reach; seq++ {
		if m, ok := messages[seq]; ok && m.Topic == p.message.Topic && len(m.Passes) > 0 {
			return m.Passes
		}
	}
	return nil
}

// left returns when the gateway was done with the message.
func (r *route) left() int64 { return leftBy(&r.served, r.pass) }

func leftBy(m *Message, p *Pass) int64 {
	if p != nil {
		return max(p.Began, p.Ended)
	}
	return max(m.Received, m.Announced)
}

// beyond is what the time after the gateway's last word belongs to: the kernel, if the loop has said that it was done.
func (r *route) beyond() Cause {
	if r.pass == nil || r.pass.Ended == 0 {
		return Unexplained
	}
	return Kernel
}

// collect gathers what the collector did to the processes on the way. The pauses of the feed's process count only until
// the message has left it.
func (x *index) collect(r *route, feeder string) {
	for _, c := range x.book.processes[r.worker].collections {
		r.pauses = append(r.pauses, c)
		if p := r.pass; p != nil && c.Ended > p.Began && c.Ended-c.Mark < p.Ended {
			r.assist += c.Assist / int64(max(1, len(r.served.Passes)))
			r.marking += min(c.Ended, p.Ended) - max(c.Ended-c.Mark, p.Began)
		}
	}
	if feeder == "" || feeder == r.worker {
		return
	}
	for _, c := range x.book.processes[feeder].collections {
		if began := c.Ended - c.Pause; began < r.first {
			c.Ended = min(c.Ended, r.first)
			c.Pause = c.Ended - began
			r.pauses = append(r.pauses, c)
		}
	}
}
