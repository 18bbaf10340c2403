package hub

// SubID names a subscription of one [Fanout]. The zero value is none, so that a connection's state, which
// holds one of its subscriptions, starts out right.
type SubID int32

// subscription is one connection's cursor into one topic. It has no pointers: the garbage collector never
// looks at it, whatever the number of subscribers.
//
// The subscriptions of one connection form a ring, so that each finds the others; a lone one is its own next.
type subscription struct {
	cursor   mark
	conn     int32  // noConn once unsubscribed
	audience uint32 // index of the audience it is part of, and flags
	place    int32  // where in the audience's list
	next     SubID  // the connection's next subscription, round; the next free one if this one is free
}

const noConn = -1

const (
	// queued: it is in the catch-up queue, at most once, and on behalf of the connection's others.
	queued uint32 = 1 << 31
	// replaying: it wants every message in order until it has caught up, whatever the topic's policy.
	replaying uint32 = 1 << 30

	// paced: it gets at most one message of each topic per interval, see pacer.
	paced uint32 = 1 << 29
	// withheld: it is paced, and passes leave it out until it is due; see Fanout.withheld.
	withheld uint32 = 1 << 28

	flags = queued | replaying | paced | withheld
	// behind: the catch-up queue has it, or will have after Resume.
	behind = queued | replaying
)

func (s *subscription) is(flag uint32) bool { return s.audience&flag != 0 }
func (s *subscription) set(flag uint32)     { s.audience |= flag }
func (s *subscription) clear(flag uint32)   { s.audience &^= flag }

// chunkSize is the number of subscriptions allocated at a time (24 KiB): growing never copies, so that a
// fan-out of a million does not stall its loop for it.
const chunkSize = 1024

// slab holds the subscriptions of a fan-out. Slots of ended subscriptions are used again.
type slab struct {
	chunks []*[chunkSize]subscription
	used   SubID // slots handed out so far; slot 0 never is
	free   SubID // first of the free slots
	live   int
}

func (s *slab) at(id SubID) *subscription {
	return &s.chunks[uint32(id)/chunkSize][uint32(id)%chunkSize]
}

func (s *slab) take() SubID {
	s.live++
	if id := s.free; id != 0 {
		s.free = s.at(id).next
		return id
	}
	s.used++
	if int(s.used) >= len(s.chunks)*chunkSize {
		s.chunks = append(s.chunks, new([chunkSize]subscription))
	}
	return s.used
}

func (s *slab) give(id SubID) {
	s.live--
	*s.at(id) = subscription{conn: noConn, next: s.free}
	s.free = id
}
