package hub

// Format names one of the wire encodings of a message.
type Format uint8

const (
	// RawWS is one WebSocket frame that holds the payload as published: text if it is UTF-8, else binary.
	RawWS Format = iota
	// EnvelopeWS is one WebSocket text frame that holds the JSON envelope of subprotocol tickgate.v1.
	EnvelopeWS
	// SSE is one server-sent event, up to and including its blank line.
	SSE
	// PackedRawWS is RawWS for those who have agreed on compression; a message that gets no shorter is as in RawWS.
	PackedRawWS
	// PackedEnvelopeWS is EnvelopeWS likewise.
	PackedEnvelopeWS

	// Formats is how many there are.
	Formats
)
