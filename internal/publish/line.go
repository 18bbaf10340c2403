package publish

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"tickgate/internal/bus"
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
	payload, err := payloadOf(l.Data, l.Enc)
	if err != nil {
		return bus.Msg{}, badRequest("%v", err)
	}
	return bus.Msg{Topic: l.Topic, Payload: payload, Event: l.Event, MsgID: l.MsgID}, nil
}

// payloadOf returns the payload that wire.AppendEnvelope delivers as the very same data and enc: a JSON value stands for
// itself and a string for its text. A string whose text is JSON too stays a string with its quotes, or it would be
// delivered as what it holds.
func payloadOf(data json.RawMessage, enc string) ([]byte, error) {
	switch {
	case data == nil:
		return nil, fmt.Errorf(`"data" is missing`)
	case enc != "" && enc != "base64":
		return nil, fmt.Errorf(`"enc" is %q; leave it out, or write "base64"`, enc)
	case enc == "" && data[0] != '"':
		return data, nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, fmt.Errorf(`"data" is not a string, as "enc" demands: %w`, err)
	}
	if enc == "" && json.Valid([]byte(text)) {
		return data, nil
	}
	if enc == "" {
		return []byte(text), nil
	}
	payload, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf(`"data" is not base64 (RFC 4648 section 4): %w`, err)
	}
	return payload, nil
}
