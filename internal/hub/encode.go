package hub

import (
	"sync"

	"tickgate/internal/envelope"
	"tickgate/internal/wire"
)

// encoders turn a message into its frame, by format.
var encoders = [Formats]func(*Message) []byte{
	RawWS:            encodeRaw,
	EnvelopeWS:       encodeEnvelope,
	SSE:              encodeSSE,
	PackedRawWS:      encodePackedRaw,
	PackedEnvelopeWS: encodePackedEnvelope,
}

func encodeRaw(m *Message) []byte {
	return wire.AppendMessage(make([]byte, 0, len(m.payload)+wire.MaxFrameHeader), m.payload)
}

func encodeEnvelope(m *Message) []byte {
	text := m.envelope()
	return wire.AppendFrame(make([]byte, 0, len(text)+wire.MaxFrameHeader), wire.OpText, text)
}

// envelope returns the message's JSON.
func (m *Message) envelope() []byte {
	e := envelope.Message{Topic: m.topic.name, ID: m.ID(), Late: m.isLate, Event: m.event, Payload: m.payload}
	return envelope.AppendMessage(make([]byte, 0, len(m.payload)+envelopeSpace), &e)
}

// packer compresses for all messages of a hub, one at a time: a compressor is large, and a message is compressed once.
type packer struct {
	mu       sync.Mutex
	deflater wire.Deflater // guarded by mu
}

func encodePackedRaw(m *Message) []byte {
	p := &m.topic.hub.packer
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deflater.AppendMessage(nil, m.payload)
}

func encodePackedEnvelope(m *Message) []byte {
	p := &m.topic.hub.packer
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deflater.AppendFrame(nil, wire.OpText, m.envelope())
}

func encodeSSE(m *Message) []byte {
	id := "" // without one the client keeps that of the event before, WHATWG HTML §9.2.6
	if !m.isLate {
		id = m.ID()
	}
	return wire.AppendSSEEvent(make([]byte, 0, len(m.payload)+eventSpace), id, m.event, m.payload)
}

// Room for what goes around a payload, so that an average message is encoded with one allocation.
const (
	envelopeSpace = 128 // names, id and a topic of about 50 bytes
	eventSpace    = 64  // field names, id and a short event type
)
