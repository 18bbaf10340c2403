package envelope

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// ParsePayload returns the payload that AppendMessage delivers as the very same data and enc: a JSON value stands for
// itself and a string for its text. A string whose text is JSON too stays a string with its quotes, or it would be
// delivered as what it holds. data is a valid JSON value without white space around it; the payload may alias it.
func ParsePayload(data []byte, enc string) ([]byte, error) {
	switch {
	case len(data) == 0:
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
