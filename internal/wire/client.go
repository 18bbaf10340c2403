package wire

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ClientRequest is what a client asks a push server for. Its strings go onto the wire as they are: they must not
// contain line ends.
type ClientRequest struct {
	Host        string // of the Host field: name or address, with the port unless it is 80
	Target      string // path and query, starts with a slash
	Protocol    string // WebSocket subprotocols to offer, comma-separated; may be empty
	LastEventID string // to resume behind an event; may be empty
	Fields      string // further field lines, each with its CRLF; may be empty
}

// AppendClientRequest appends the GET request that opens an event stream.
func AppendClientRequest(dst []byte, q *ClientRequest) []byte {
	dst = appendGet(dst, q)
	dst = append(dst, "Accept: text/event-stream\r\nCache-Control: no-cache\r\n"...)
	if q.LastEventID != "" {
		dst = append(append(dst, "Last-Event-ID: "...), q.LastEventID...)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// AppendHandshake appends the request that opens a WebSocket (RFC 6455 §4.1). The nonce must be new and random for every
// connection; CheckAccept wants it again.
func AppendHandshake(dst []byte, q *ClientRequest, nonce [16]byte) []byte {
	dst = appendGet(dst, q)
	dst = append(dst, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "...)
	dst = base64.StdEncoding.AppendEncode(dst, nonce[:])
	dst = append(dst, "\r\n"...)
	if q.Protocol != "" {
		dst = append(append(dst, "Sec-WebSocket-Protocol: "...), q.Protocol...)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

func appendGet(dst []byte, q *ClientRequest) []byte {
	dst = append(append(dst, "GET "...), q.Target...)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), q.Host...)
	return append(append(dst, "\r\n"...), q.Fields...)
}

// What CheckAccept refuses, besides another status than 101.
var (
	errAcceptUpgrade    = errors.New("handshake response without Upgrade: websocket and Connection: Upgrade")
	errAcceptKey        = errors.New("handshake response with a missing, repeated or wrong Sec-WebSocket-Accept")
	errAcceptExtensions = errors.New("handshake response with an extension that was not asked for")
	errAcceptProtocol   = errors.New("handshake response with a subprotocol that was not asked for")
)

// CheckAccept checks the answer to a handshake of AppendHandshake with the same q and nonce (RFC 6455 §4.1).
func CheckAccept(r *Response, q *ClientRequest, nonce [16]byte) error {
	if r.Status != statusSwitchingProtocols {
		return fmt.Errorf("handshake answered with status %d", r.Status)
	}
	lines := r.Raw[r.fields:]
	want := acceptKey(nonce)
	switch protocol := lookup(lines, "sec-websocket-protocol"); {
	case !equalFold(lookup(lines, "upgrade"), "websocket"), !fieldHasToken(lines, "connection", "upgrade"):
		return errAcceptUpgrade
	case count(lines, "sec-websocket-accept") != 1, string(lookup(lines, "sec-websocket-accept")) != string(want[:]):
		return errAcceptKey
	case count(lines, "sec-websocket-extensions") > 0:
		return errAcceptExtensions
	case protocol != nil && !offers(q.Protocol, protocol):
		return errAcceptProtocol
	}
	return nil
}

// acceptKey computes Sec-WebSocket-Accept (RFC 6455 §4.2.2).
func acceptKey(nonce [16]byte) (accept [28]byte) {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	var scratch [24 + len(guid)]byte
	base64.StdEncoding.Encode(scratch[:], nonce[:])
	copy(scratch[24:], guid)
	sum := sha1.Sum(scratch[:])
	base64.StdEncoding.Encode(accept[:], sum[:])
	return accept
}

// offers reports whether protocol is in the comma-separated list; names are compared as they are (RFC 6455 §11.5).
func offers(list string, protocol []byte) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.Trim(item, " \t") == string(protocol) {
			return true
		}
	}
	return false
}
