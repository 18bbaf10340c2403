package load

// window is how many numbers back a duplicate can be told from a latecomer.
const window = 32

// view is what one client has seen of one topic.
//
// newest is the highest number so far, bit d of seen says whether newest-d was seen, and span is how many numbers back
// the view goes, at most window; a span of 0 means that nothing was seen yet.
type view struct {
	newest uint64
	seen   uint32
	span   uint8
}

// arrival is what a sequence number turned out to be.
type arrival uint8

const (
	arrivedFirst arrival = iota // begins the client's view
	arrivedNext                 // the successor of the newest, or ahead of it with a gap
	arrivedLate                 // fills a gap counted before
	arrivedEarly                // older than the view: reordered, but never counted as missing
	arrivedAgain                // seen before
)

// observe takes the next sequence number. missing is how many numbers arrivedNext skipped.
func (v *view) observe(seq uint64) (what arrival, missing uint64) {
	switch {
	case v.span == 0:
		*v = view{newest: seq, seen: 1, span: 1}
		return arrivedFirst, 0
	case seq > v.newest:
		return arrivedNext, v.ahead(seq)
	default:
		return v.behind(v.newest - seq), 0
	}
}

func (v *view) ahead(seq uint64) (missing uint64) {
	step := seq - v.newest
	v.newest = seq
	v.span = uint8(min(uint64(v.span)+step, window))
	v.seen = v.seen<<min(step, window) | 1
	return step - 1
}

func (v *view) behind(distance uint64) arrival {
	if distance >= uint64(v.span) {
		return arrivedEarly
	}
	bit := uint32(1) << distance
	if v.seen&bit != 0 {
		return arrivedAgain
	}
	v.seen |= bit
	return arrivedLate
}

// views holds what the clients of a loop have seen of their topics but the first, which is in the client itself. Event
// loop only.
type views struct {
	more  []view
	each  int // topics per client
	first int // number of the loop's first client
	step  int // the loop's clients are step apart
}

func newViews(each, first, end, step int) views {
	clients := max(0, (end-first+step-1)/step)
	return views{more: make([]view, clients*(each-1)), each: each, first: first, step: step}
}

// of returns what client c has seen of its k-th topic.
func (w *views) of(c *client, k int) view {
	if k == 0 {
		return view{c.newest, c.seen, c.span}
	}
	return w.more[w.slot(c, k)]
}

// keep puts back what of has returned.
func (w *views) keep(c *client, k int, v view) {
	if k == 0 {
		c.newest, c.seen, c.span = v.newest, v.seen, v.span
		return
	}
	w.more[w.slot(c, k)] = v
}

func (w *views) slot(c *client, k int) int {
	return (int(c.index)-w.first)/w.step*(w.each-1) + k - 1
}

// forget ends the client's views; the next number of each topic begins a new one.
func (w *views) forget(c *client) {
	for k := range w.each {
		w.keep(c, k, view{})
	}
}
