package hub

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// encoders turn a message into its frame, by format.
var encoders = [formats]func(*Message) []byte{
	RawWS:      encodeRaw,
	EnvelopeWS: encodeEnvelope,
	SSE:        encodeSSE,
}

func encodeRaw(m *Message) []byte {
	op := byte(2)
	if utf8.Valid(m.payload) {
		op = 1
	}
	return appendFrame(nil, op, m.payload)
}

func appendFrame(dst []byte, op byte, p []byte) []byte {
	dst = append(dst, 0x80|op)
	switch n := len(p); {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = append(dst, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(dst, p...)
}

func encodeEnvelope(m *Message) []byte {
	data := m.payload
	if !json.Valid(data) {
		data, _ = json.Marshal(string(data))
	}
	topic, _ := json.Marshal(m.topic.name)
	b := append([]byte(`{"t":"msg","topic":`), topic...)
	b = append(b, `,"id":"`...)
	b = m.AppendID(b)
	b = append(b, `","data":`...)
	b = append(b, data...)
	return appendFrame(nil, 1, append(b, '}'))
}

func encodeSSE(m *Message) []byte {
	b := m.AppendID([]byte("id: "))
	b = append(b, '\n')
	if m.event != "" {
		b = append(append(append(b, "event: "...), m.event...), '\n')
	}
	for _, line := range bytes.Split(m.payload, []byte("\n")) {
		b = append(append(append(b, "data: "...), line...), '\n')
	}
	return append(b, '\n')
}
