package ticklog

import (
	"sync"
	"time"
)

// Size is the number of messages that a Log remembers: eight minutes of a tick a second, five seconds of one every ten
// milliseconds. Who wants more asks more often.
const Size = 512

// Spent is what an event loop has spent its time on, by the wall clock, in nanoseconds.
type Spent struct {
	Accepts int64 `json:"accepts"` // taking connections off the accept queue
	Reads   int64 `json:"reads"`   // what arrived on connections: handshakes, pings, closes; and sends to full sockets
	Timers  int64 `json:"timers"`
	Work    int64 `json:"work"` // fan-out of whatever topic
}

func (s Spent) since(o Spent) Spent {
	return Spent{s.Accepts - o.Accepts, s.Reads - o.Reads, s.Timers - o.Timers, s.Work - o.Work}
}

// Message is what one process knows of one message. Times are Unix nanoseconds, 0 where unknown.
type Message struct {
	Seq       uint64 `json:"seq"` // in the stream
	Topic     string `json:"topic,omitempty"`
	Due       int64  `json:"due,omitempty"`     // the feed's intended time, or else the payload's member "ts"
	Offered   int64  `json:"offered,omitempty"` // to the bus
	Acked     int64  `json:"acked,omitempty"`   // by the bus
	Stored    int64  `json:"stored,omitempty"`  // in the stream, by its own account
	Received  int64  `json:"received,omitempty"`
	Announced int64  `json:"announced,omitempty"` // all event loops have been told
	Passes    []Pass `json:"passes,omitempty"`    // of the loops that have subscribers
}

// Pass is one event loop's walk through its subscribers of a message's topic. Durations are nanoseconds.
type Pass struct {
	Loop      int    `json:"loop"`
	Began     int64  `json:"began"`
	Ended     int64  `json:"ended,omitempty"`     // 0 while it lasts
	Overtaken bool   `json:"overtaken,omitempty"` // it ended because a newer message took over
	Sends     uint64 `json:"sends"`               // deliveries by the loop meanwhile
	Blocked   uint64 `json:"blocked"`             // offers to sockets that were full
	Wait      Spent  `json:"wait"`                // from the announcement to the beginning
	Busy      Spent  `json:"busy"`                // from the beginning to the end
	CPU       int64  `json:"cpu"`                 // of the loop's thread, from the beginning to the end
}

// Log is a process's memory of its newest messages. All methods are safe for concurrent use.
type Log struct {
	late func(Late) // immutable after New
	due  time.Duration

	mu     sync.Mutex
	ring   []entry // by sequence modulo Size; guarded by mu
	loops  []*Loop // guarded by mu
	cycles cycles  // guarded by mu

	latencies Latencies // guarded by mu
}

// entry is a message and, in loop order, its passes.
type entry struct {
	Message
	passes []pass
}

// pass is a Pass and what it is computed from.
type pass struct {
	Pass
	told, start               Spent // at the announcement, at the beginning
	sends, blocked, threadCPU uint64
}

// Config is what a Log reacts to.
type Config struct {
	// Objective is how long after its due time a message may be on its way through this process. 0 is without limit.
	Objective time.Duration
	// Late is told of each message that exceeded the objective, once per event loop, on that loop's goroutine or the
	// publisher's: it must not block. Nil is not told.
	Late func(Late)
}

// Late is a message that missed the objective.
type Late struct {
	Seq uint64
	By  time.Duration // from its due time to its end in this process
}

// New returns an empty log. Add its loops before the first message.
func New(cfg Config) *Log {
	l := &Log{late: cfg.Late, due: cfg.Objective, ring: make([]entry, Size)}
	if l.late == nil || l.due <= 0 {
		l.late = nil
	}
	return l
}

// Published notes what became of a message that this process has offered to the bus.
func (l *Log) Published(seq uint64, intended, offered, acked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(seq)
	if e == nil {
		return
	}
	e.Due, e.Offered, e.Acked = intended.UnixNano(), offered.UnixNano(), acked.UnixNano()
	l.judge(&e.Message, e.Acked)
}

// Received notes that a message has come from the bus, before it is announced to the loops.
func (l *Log) Received(seq uint64, topic string, stored time.Time, payload []byte) {
	now := time.Now().UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(seq)
	if e == nil {
		return
	}
	e.Topic, e.Stored, e.Received = topic, stored.UnixNano(), now
	if e.Due == 0 {
		e.Due = dueOf(payload)
	}
	for i := range e.passes {
		e.passes[i].told = l.loops[i].spent()
	}
}

// Announced notes that all loops have been told of a message.
func (l *Log) Announced(seq uint64) {
	now := time.Now().UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entry(seq); e != nil {
		e.Announced = now
	}
}

// entry returns the place of a message, emptied of an older one; nil if a newer message has it. The caller holds l.mu.
func (l *Log) entry(seq uint64) *entry {
	e := &l.ring[seq%Size]
	switch {
	case e.Seq > seq:
		return nil
	case e.Seq < seq:
		e.Message = Message{Seq: seq}
		if len(e.passes) < len(l.loops) {
			e.passes = make([]pass, len(l.loops))
		}
		clear(e.passes)
	}
	return e
}

// due returns when a message that names no time was due: when it arrived.
func (m *Message) due() int64 {
	if m.Due == 0 {
		return m.Received
	}
	return m.Due
}

// judge tells of a message whose part here ended too late. The caller holds l.mu.
func (l *Log) judge(m *Message, ended int64) {
	if l.late == nil {
		return
	}
	due := m.due()
	if by := time.Duration(ended - due); due != 0 && by > l.due {
		l.late(Late{Seq: m.Seq, By: by})
	}
}
