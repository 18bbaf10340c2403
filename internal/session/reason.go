package session

import (
	"errors"

	"tickgate/internal/epoll"
	"tickgate/internal/wire"
)

// Why a session ended, besides the reasons of package epoll.
const (
	// Answered: a request that opens no session (HEAD, OPTIONS) was answered.
	Answered = epoll.UserReason + iota
	// Refused: the request was answered with an error; the refusal is counted under its code.
	Refused
	// HeaderTimeout: no complete request head in time.
	HeaderTimeout
	// ClientClosed: the client sent a close frame.
	ClientClosed
	// ProtocolError: the client broke RFC 6455 (close code 1002).
	ProtocolError
	// InvalidData: text or a close reason was not UTF-8 (1007).
	InvalidData
	// TooBig: a message beyond Config.MaxInbound (1009).
	TooBig
	// PingTimeout: no answer to a ping.
	PingTimeout
	// WriteTimeout: the socket took nothing for Config.WriteTimeout while bytes waited for it.
	WriteTimeout
	// SlowConsumer: the log has overwritten the next message of a subscriber of an `all` topic (4008).
	SlowConsumer
	// Restart: closed by a drain (1012).
	Restart
	// TokenExpired: the token that the session lived by has expired (1008).
	TokenExpired
	// InboundRate: more messages than Config.MaxInboundRate (1008).
	InboundRate
	// InboundBytes: more bytes than Config.MaxInboundBytes (1008).
	InboundBytes
	// UnsupportedData: an envelope client sent a binary message (1003).
	UnsupportedData
	// AnswersUnread: an envelope client sent commands and did not read the answers (4008).
	AnswersUnread
	// Overloaded: the loop holds too many commands that have come in part (1013).
	Overloaded
	// CommandTimeout: a command of an envelope client did not come to an end in time (1008).
	CommandTimeout

	reasons
)

var reasonNames = [...]string{
	"answered", "refused", "header_timeout", "client_closed", "protocol_error", "invalid_data", "too_big",
	"ping_timeout", "write_timeout", "slow_consumer", "restart", "token_expired", "inbound_rate", "inbound_bytes",
	"unsupported_data", "answers_unread", "overloaded", "command_timeout",
}

// ReasonName returns the metric label of a reason of this package or of package epoll.
func ReasonName(r epoll.Reason) string {
	if r >= epoll.UserReason && r < reasons {
		return reasonNames[r-epoll.UserReason]
	}
	return r.String()
}

// EachReason calls f with the metric label of every reason that a session can end for, of this package and of package epoll.
func EachReason(f func(label string)) {
	for r := epoll.PeerClosed; r <= epoll.Stopped; r++ {
		if r != epoll.RefusedMaxConns && r != epoll.RefusedNoFile { // these never become sessions
			f(r.String())
		}
	}
	for _, name := range reasonNames {
		f(name)
	}
}

// frameFault returns the reason for, and the close frame's content after, an error of the frame decoder.
func frameFault(err error) (epoll.Reason, *wire.CloseError) {
	var fault *wire.CloseError
	if !errors.As(err, &fault) {
		panic("BUG: the frame decoder returned " + err.Error())
	}
	switch fault.Code {
	case wire.CloseInvalidData:
		return InvalidData, fault
	case wire.CloseTooBig:
		return TooBig, fault
	}
	return ProtocolError, fault
}
