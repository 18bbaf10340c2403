package bus

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Msg is one message, on its way to the stream or back.
type Msg struct {
	// Topic is the topic's name, see CheckTopic.
	Topic string
	// Payload belongs to the bus until Publish returns, or Pending is resolved; one that was received
	// belongs to the receiver.
	Payload []byte
	// Event is the SSE event type, empty for none.
	Event string
	// MsgID makes publishing idempotent: the stream stores only the first message of an id within
	// Config.Window. Empty: every message is stored.
	MsgID string

	// Seq is the sequence in the stream; set on messages received.
	Seq uint64
	// Time is when the stream stored the message; set on messages received.
	Time time.Time
	// Gap says that messages right before this one were lost to this subscription: the stream has
	// dropped them, because of its limits or by an operator's hand, before they could be read.
	Gap bool
	// Epoch is the stream's, see Bus.Epoch; set on messages received.
	Epoch string
	// Anew says that the stream is another one than that of the message before, or has lost messages that it had
	// stored and gives out their sequences again. Seq then may be anything. Gap is set as well.
	Anew bool
}

// Ack is the stream's acknowledgement.
type Ack struct {
	Seq       uint64 // the message's sequence; that of the first one if it is a duplicate
	Duplicate bool   // a message of the same MsgID had been stored before
}

// encode returns the message as NATS transports it.
func (m *Msg) encode() *nats.Msg {
	out := &nats.Msg{Subject: SubjectPrefix + m.Topic, Data: m.Payload}
	if m.Event != "" || m.MsgID != "" {
		out.Header = nats.Header{}
	}
	if m.Event != "" {
		out.Header.Set(EventHeader, m.Event)
	}
	if m.MsgID != "" {
		out.Header.Set(jetstream.MsgIDHeader, m.MsgID)
	}
	return out
}

// decode is the reverse of encode.
func decode(in jetstream.Msg, meta *jetstream.MsgMetadata) Msg {
	m := Msg{
		Topic:   in.Subject()[len(SubjectPrefix):],
		Payload: in.Data(),
		Seq:     meta.Sequence.Stream,
		Time:    meta.Timestamp,
	}
	if h := in.Headers(); len(h) > 0 {
		m.Event, m.MsgID = h.Get(EventHeader), h.Get(jetstream.MsgIDHeader)
	}
	return m
}
