package hub

import "sync/atomic"

// budget bounds the memory of all topics together. What is over it goes by age: first the messages that are not the newest
// of their topic, then, when there are no others, the newest ones too. A subscriber finds them dropped as if the ring had
// dropped them.
type budget struct {
	limit   int64
	used    atomic.Int64 // of messages with their frames, rings, topics and views, in bytes
	evicted atomic.Uint64

	// guarded by Hub.writing
	held   int         // messages held
	old    fifo[place] // messages by age, dropped ones among them; all of old before all of young
	young  fifo[place]
	spared fifo[place] // likewise, of those that were their topic's newest when their turn came
}

// place is a message's place in its topic. It does not keep the message alive.
type place struct {
	topic *Topic
	pos   uint64
}

func (p place) held() bool   { return p.pos >= p.topic.log.oldest.Load() }
func (p place) newest() bool { return p.pos == p.topic.log.head.Load() }

const (
	// messageBytes is the memory of a message beside payload and frames: itself, and its place here.
	messageBytes = 192 + placeBytes
	placeBytes   = 16
	slotBytes    = 8
	// topicBytes is that of a topic beside its name and its ring, map entry included (TestBudgetIsHonest).
	topicBytes = 320
	// tidyFrom is the number of dropped messages that the queues may list, if those held are fewer.
	tidyFrom = 1024
	// tidied is how many entries are looked at with each message once there are more.
	tidied = 3
	// clientShare is the part of the budget that clients can take with topics nobody publishes to, and once more with the
	// lists of views that topics have: a quarter.
	clientShare = 4
)

// over reports whether n bytes more would be too many.
func (b *budget) over(n int64) bool { return b.used.Load()+n > b.limit }

// addLocked is told of a new message.
func (b *budget) addLocked(m *Message) {
	b.held++
	if t := m.topic; t.spared { // what was spared is not the newest any more, and older than all others
		t.spared = false
		b.old.unpop(place{t, m.pos - 1})
	}
	b.young.push(place{m.topic, m.pos})
	b.tidyLocked(tidied)
}

// tidyLocked forgets dropped messages if they have become as many as the others, looking at n of those listed. What is left of
// young goes to old; when young is empty, they change places.
func (b *budget) tidyLocked(n int) {
	for i := 0; i < n && b.old.len()+b.young.len() > 2*b.held+tidyFrom; i++ {
		if b.young.len() == 0 {
			b.old, b.young = b.young, b.old
		}
		if p := b.young.pop(); p.held() {
			b.old.push(p)
		}
	}
	for i := 0; i < n && b.spared.len() > 2*b.held+tidyFrom; i++ {
		if p := b.spared.pop(); p.held() && p.newest() {
			b.spared.push(p)
		}
	}
}

// fitLocked evicts until n bytes more have room, and reports whether they have.
func (b *budget) fitLocked(n int64) bool {
	for b.over(n) {
		if !b.evictOldLocked() && !b.evictNewestLocked() {
			return false
		}
	}
	return true
}

// evictOldLocked drops the oldest message that is not its topic's newest.
func (b *budget) evictOldLocked() bool {
	for {
		from := &b.old
		if from.len() == 0 {
			from = &b.young
		}
		if from.len() == 0 {
			return false
		}
		switch p := from.pop(); {
		case !p.held():
		case p.newest():
			p.topic.spared = true
			b.spared.push(p)
		default:
			b.dropLocked(p)
			return true
		}
	}
}

// evictNewestLocked drops the oldest message, its topic's newest, unless it is the only one there is.
func (b *budget) evictNewestLocked() bool {
	for b.spared.len() > 1 {
		if p := b.spared.pop(); p.held() && p.newest() {
			p.topic.spared = false
			b.dropLocked(p)
			return true
		}
	}
	return false
}

func (b *budget) dropLocked(p place) {
	n := 0
	for ; p.held(); n++ { // it is the oldest
		p.topic.log.drop()
	}
	p.topic.log.shrink()
	p.topic.droppedLocked(n)
	b.evicted.Add(uint64(n))
}
