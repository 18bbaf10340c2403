package publish

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"tickgate/internal/bus"
	"tickgate/internal/envelope"
)

// line is a message as a line of JSON.
type line struct {
	Topic string          `json:"topic"`
	Data  json.RawMessage `json:"data"`
	Enc   string          `json:"enc"`
	Event string          `json:"event"`
	MsgID string          `json:"msgid"`
}

// parse returns the message of a line. The message shares no bytes with the text.
func parse(text []byte) (bus.Msg, error) {
	if !utf8.Valid(text) { // encoding/json would replace what is not
		return bus.Msg{}, badRequest(`the line is not UTF-8: send binary data as a string in base64 with "enc":"base64"`)
	}
	var l line
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a misspelt msgid would store a message twice
	if err := decoder.Decode(&l); err != nil {
		return bus.Msg{}, badRequest("the line is not a message: %v", err)
	}
	if rest := bytes.TrimSpace(text[decoder.InputOffset():]); len(rest) > 0 {
		return bus.Msg{}, badRequest("the line goes on after the message: %q", rest[:min(len(rest), 32)])
	}
	payload, err := envelope.ParsePayload(l.Data, l.Enc)
	if err != nil {
		return bus.Msg{}, badRequest("%v", err)
	}
	return bus.Msg{Topic: l.Topic, Payload: payload, Event: l.Event, MsgID: l.MsgID}, nil
}
