package wire

// What a Decoder refuses, with the close code that RFC 6455 §7.4.1 gives it.
var (
	errReservedBits    = protocolError("reserved bits are set")
	errOpcode          = protocolError("reserved opcode")
	errControlFragment = protocolError("fragmented control frame")
	errControlLength   = protocolError("control frame longer than 125 bytes")
	errContinuation    = protocolError("continuation without a message")
	errInterleaved     = protocolError("new message inside a fragmented one")
	errUnmasked        = protocolError("frame of a client is not masked")
	errMasked          = protocolError("frame of a server is masked")
	errLength          = protocolError("payload length is not in its shortest form")
	errCloseLength     = protocolError("close frame with one byte")
	errCloseCode       = protocolError("invalid close code")

	errText        = &CloseError{Code: CloseInvalidData, Reason: "text is not UTF-8"}
	errCloseReason = &CloseError{Code: CloseInvalidData, Reason: "close reason is not UTF-8"}
	errInflate     = &CloseError{Code: CloseInvalidData, Reason: "message is not DEFLATE"}
	errTooBig      = &CloseError{Code: CloseTooBig, Reason: "message too big"}
)

func protocolError(reason string) *CloseError {
	return &CloseError{Code: CloseProtocolError, Reason: reason}
}
