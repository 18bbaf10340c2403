package wire

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

// Subprotocol is the WebSocket subprotocol in which every message comes in an envelope.
const Subprotocol = "tickgate.v1"

// AppendEnvelope appends the JSON text of a message in the subprotocol tickgate.v1, without a frame around it:
// {"t":"msg","topic":…,"id":…,"data":…}. data is payload itself if that is JSON, and a string holding it if it is other
// text. Bytes that are not UTF-8 come in base64 (RFC 4648 §4), marked by "enc":"base64": nothing is lost or replaced.
// It does not allocate, but for json.Valid's error when payload is text and not JSON: once per message.
func AppendEnvelope(dst []byte, topic, id string, payload []byte) []byte {
	dst = append(dst, `{"t":"msg","topic":`...)
	dst = appendJSONString(dst, topic)
	dst = append(dst, `,"id":`...)
	dst = appendJSONString(dst, id)
	dst = append(dst, `,"data":`...)
	switch {
	case !utf8.Valid(payload): // json.Valid would let it pass inside strings
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, payload)
		dst = append(dst, `","enc":"base64"`...)
	case json.Valid(payload):
		dst = append(dst, payload...)
	default:
		dst = appendJSONString(dst, payload)
	}
	return append(dst, '}')
}
