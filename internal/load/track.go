package load

// window is how many numbers back a duplicate can be told from a latecomer.
const window = 32

// arrival is what a sequence number turned out to be.
type arrival uint8

const (
	arrivedFirst arrival = iota // begins the client's view
	arrivedNext                 // the successor of the newest, or ahead of it with a gap
	arrivedLate                 // fills a gap counted before
	arrivedEarly                // older than the view: reordered, but never counted as missing
	arrivedAgain                // seen before
)

// observe takes the next sequence number of a client. missing is how many numbers arrivedNext skipped.
//
// newest is the highest number so far, bit d of seen says whether newest-d was seen, and span is how many numbers back
// the view goes, at most window; a span of 0 means that nothing was seen yet.
func (c *client) observe(seq uint64) (what arrival, missing uint64) {
	switch {
	case c.span == 0:
		c.newest, c.seen, c.span = seq, 1, 1
		return arrivedFirst, 0
	case seq > c.newest:
		return arrivedNext, c.ahead(seq)
	default:
		return c.behind(c.newest - seq), 0
	}
}

func (c *client) ahead(seq uint64) (missing uint64) {
	step := seq - c.newest
	c.newest = seq
	c.span = uint8(min(uint64(c.span)+step, window))
	c.seen = c.seen<<min(step, window) | 1
	return step - 1
}

func (c *client) behind(distance uint64) arrival {
	if distance >= uint64(c.span) {
		return arrivedEarly
	}
	bit := uint32(1) << distance
	if c.seen&bit != 0 {
		return arrivedAgain
	}
	c.seen |= bit
	return arrivedLate
}

// forget ends the client's view; the next number begins a new one.
func (c *client) forget() { c.newest, c.seen, c.span = 0, 0, 0 }
