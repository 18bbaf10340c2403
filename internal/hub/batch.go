package hub

// maxBatch is the number of connections handed to the sink in one call: large enough for its cost to
// vanish, small enough for the arrays to stay in the first-level cache (256 × 9 bytes).
const maxBatch = 256

// batch collects subscribers of one audience that need the same message.
type batch struct {
	audience *audience
	message  *Message
	pos      uint64       // the message's position in the audience's topic
	from     *fifo[SubID] // the catch-up queue that it is filled from, nil for a pass
	late     bool         // its connections have got newer messages
	n        int
	ids      [maxBatch]SubID
	conns    [maxBatch]int32
	out      [maxBatch]Delivery
}

// full reports whether the batch has reached the limit.
func (b *batch) full(limit int) bool { return b.n >= min(limit, maxBatch) }

// join adds a subscriber of a that needs message pos. It reports false if the batch has to be flushed first,
// or if the message has just been overwritten.
func (b *batch) join(a *audience, pos uint64, id SubID, conn int32) bool {
	if b.n == 0 {
		m := a.topic.At(pos)
		if m == nil {
			return false
		}
		b.audience, b.message, b.pos = a, m, pos
	}
	if b.audience != a || b.pos != pos {
		return false
	}
	b.ids[b.n], b.conns[b.n] = id, conn
	b.n++
	return true
}
