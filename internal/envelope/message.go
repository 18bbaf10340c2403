package envelope

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"tickgate/internal/wire"
)

// Message is what subscribers get.
type Message struct {
	Topic   string
	ID      string
	Late    bool   // it comes behind messages with higher ids: to resume from its id would bring those again
	Event   string // the type that the publisher gave it, empty for none
	Payload []byte // read only
}

// AppendMessage appends {"t":"msg","topic":…,"id":…,"event":…,"data":…}, without event if there is none, and
// with late in the place of id if the message is Late. data is the
// payload itself if that is JSON, and a string holding it if it is other text. Bytes that are not UTF-8 come in
// base64 (RFC 4648 §4), marked by "enc":"base64" behind them: nothing is lost or replaced. ParsePayload is the reverse. It does
// not allocate, but for json.Valid's error when the payload is text and not JSON: once per message.
func AppendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, `{"t":"msg","topic":`...)
	dst = wire.AppendJSONString(dst, m.Topic)
	if m.Late {
		dst = append(dst, `,"late":`...)
	} else {
		dst = append(dst, `,"id":`...)
	}
	dst = wire.AppendJSONString(dst, m.ID)
	if m.Event != "" {
		dst = append(dst, `,"event":`...)
		dst = wire.AppendJSONString(dst, m.Event)
	}
	dst = append(dst, `,"data":`...)
	switch {
	case !utf8.Valid(m.Payload): // json.Valid would let it pass inside strings
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, m.Payload)
		dst = append(dst, `","enc":"base64"`...)
	case json.Valid(m.Payload):
		dst = append(dst, m.Payload...)
	default:
		dst = wire.AppendJSONString(dst, m.Payload)
	}
	return append(dst, '}')
}
