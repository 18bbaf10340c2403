package hub

import (
	"tickgate/internal/envelope"
	"tickgate/internal/wire"
)

// encoders turn a message into its frame, by format.
var encoders = [formats]func(*Message) []byte{
	RawWS:      encodeRaw,
	EnvelopeWS: encodeEnvelope,
	SSE:        encodeSSE,
}

func encodeRaw(m *Message) []byte {
	return wire.AppendMessage(make([]byte, 0, len(m.payload)+wire.MaxFrameHeader), m.payload)
}

func encodeEnvelope(m *Message) []byte {
	e := envelope.Message{Topic: m.topic.name, ID: m.ID(), Event: m.event, Payload: m.payload}
	text := envelope.AppendMessage(make([]byte, 0, len(m.payload)+envelopeSpace), &e)
	return wire.AppendFrame(make([]byte, 0, len(text)+wire.MaxFrameHeader), wire.OpText, text)
}

func encodeSSE(m *Message) []byte {
	return wire.AppendSSEEvent(make([]byte, 0, len(m.payload)+eventSpace), m.ID(), m.event, m.payload)
}

// Room for what goes around a payload, so that an average message is encoded with one allocation.
const (
	envelopeSpace = 128 // names, id and a topic of about 50 bytes
	eventSpace    = 64  // field names, id and a short event type
)
