package hub

import (
	"sync"
	"sync/atomic"
	"time"
)

// Publication is what a publisher hands to [Hub.Publish].
type Publication struct {
	// Seq is the sequence in the stream, unique and ascending over all topics.
	Seq uint64
	// Topic is the name of the topic, dot-separated tokens.
	Topic string
	// Payload belongs to the hub from the call on and must not be changed any more.
	Payload []byte
	// Event is the SSE event type, empty for none.
	Event string
	// Time is when the stream stored the message.
	Time time.Time
	// Gap says that messages right before this one were lost, of whatever topic. Every subscriber of an All
	// topic is overrun when that topic gets its next message, for one of the lost ones may have been its own.
	Gap bool
}

// Message is one published message. It is immutable and safe for concurrent use; it lives as long as
// somebody refers to it, also after its topic's ring has dropped it.
type Message struct {
	topic    *Topic
	era      *era
	seq      uint64 // of the hub's own counting, see era
	pos      uint64
	payload  []byte
	event    string
	stored   time.Time
	received time.Time // when the hub got it; carries the monotonic clock

	mu      sync.Mutex // makes sure that each format is encoded once
	size    int        // guarded by mu; what it counts for in the budget
	dropped bool       // guarded by mu; it counts for nothing
	isLate  bool       // its frames have no id to resume from
	late    atomic.Pointer[Message]
	frames  [Formats]atomic.Pointer[[]byte]
}

func newMessage(e *era, t *Topic, p Publication) *Message {
	return &Message{
		topic: t, era: e, seq: p.Seq, payload: p.Payload, event: p.Event,
		stored: p.Time, received: time.Now(),
	}
}

// Seq returns the message's sequence in the stream.
func (m *Message) Seq() uint64 { return m.seq - m.era.base }

// Pos returns the message's position in its topic's log; positions are dense and start at 1.
func (m *Message) Pos() uint64 { return m.pos }

// Topic returns the topic the message was published to.
func (m *Message) Topic() *Topic { return m.topic }

// Payload returns the payload as published. It is shared: the caller must not change it.
func (m *Message) Payload() []byte { return m.payload }

// Event returns the SSE event type, empty for none.
func (m *Message) Event() string { return m.event }

// Time returns when the stream stored the message.
func (m *Message) Time() time.Time { return m.stored }

// since returns when the message's time to live began.
func (m *Message) since() time.Time {
	if m.stored.IsZero() {
		return m.received
	}
	return m.stored
}

// ID returns the message's identity on every node, `<epoch>-<seq>`.
func (m *Message) ID() string { return string(m.AppendID(nil)) }

// AppendID appends the message's identity to dst and returns the extended slice.
func (m *Message) AppendID(dst []byte) []byte {
	return m.era.appendID(dst, m.seq)
}

// Frame returns the message encoded for the wire. The first call per format encodes, all later ones return
// the very same bytes, which are shared by every connection: the caller must not change them.
func (m *Message) Frame(f Format) []byte {
	if p := m.frames[f].Load(); p != nil {
		return *p
	}
	return m.encode(f)
}

func (m *Message) encode(f Format) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.frames[f].Load(); p != nil {
		return *p
	}
	frame := encoders[f](m)
	m.frames[f].Store(&frame)
	if !m.dropped {
		m.size += cap(frame)
		m.topic.hub.budget.used.Add(int64(cap(frame)))
	}
	return frame
}

// charge makes a message that is added to a log count.
func (m *Message) charge() {
	m.size = messageBytes + cap(m.payload) + len(m.event)
	m.topic.hub.budget.used.Add(int64(m.size))
}

// release makes a message that is dropped count no more.
func (m *Message) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped = true
	m.topic.hub.budget.used.Add(-int64(m.size))
	if c := m.late.Load(); c != nil {
		c.release()
	}
}
