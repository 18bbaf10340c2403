package envelope

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

const (
	// MaxDepth is how deep arrays and objects of a command may be nested, the command itself included.
	MaxDepth = 64
	// MaxTopics is how many topics one command may name.
	MaxTopics = 1024

	maxLast  = 999999999 // as in the query of a subscriber
	maxQuote = 64        // of what the client sent, in messages
)

// Decode reads a command. The text is left as it is. Kind is None and the members hold nothing to rely on after an
// error, but for Ref, which is the command's wherever that can be told. Nothing is allocated for a command without
// escapes that is in order, once c.Topics has grown. Its time is linear in the length of the text, which the caller
// bounds.
func (c *Command) Decode(text []byte) *Error {
	*c = Command{Ref: NoRef, Last: -1, Topics: c.Topics[:0]}
	if fault := check(text); fault != nil {
		return fault
	}
	kind, fault := c.object(text)
	if fault == nil {
		c.Kind = kind
	}
	return fault
}

// check makes sure that the text is JSON, so that whoever reads it needs no errors.
func check(text []byte) *Error {
	switch {
	case !utf8.Valid(text): // json.Valid would let it pass inside strings
		return bad("the command is not UTF-8")
	case depth(text) > MaxDepth: // before json.Valid, which needs memory for every level
		return bad("the command is nested deeper than %d levels", MaxDepth)
	case !json.Valid(text):
		return bad("the command is not one JSON value")
	}
	return nil
}

// object reads the members. After the first fault it only looks for ref.
func (c *Command) object(text []byte) (Kind, *Error) {
	w := walk{text: text}
	if !w.enter('{') {
		return None, bad("the command is not a JSON object")
	}
	var (
		kind  Kind
		seen  members
		fault *Error
	)
	for !w.leave('}') {
		name := w.value()
		w.colon()
		m, err := memberOf(name, seen)
		seen |= m
		if err == nil && (fault == nil || m == memberRef) {
			err = c.member(m, w.value(), &kind)
		} else {
			w.value()
		}
		if fault == nil {
			fault = err
		}
	}
	if fault == nil {
		fault = fit(kind, seen)
	}
	return kind, fault
}

// memberOf tells which member has the name, a JSON string, and refuses one that is unknown or has been seen.
func memberOf(name []byte, seen members) (members, *Error) {
	text := unquote(name)
	for i := range memberNames {
		if string(text) != memberNames[i] {
			continue
		}
		m := members(1) << i
		if seen&m != 0 {
			return m, bad("the member %q comes twice", text)
		}
		return m, nil
	}
	return 0, bad("there is no member %s", quote(name))
}

// fit makes sure that the command has the members that its kind demands and no others.
func fit(kind Kind, seen members) *Error {
	if seen&memberT == 0 {
		return bad(`"t" is missing: it says what to do`)
	}
	shape := shapes[kind]
	if missing := shape.must &^ seen; missing != 0 {
		return bad("%q is missing in the command %s", missing.first(), kind)
	}
	if more := seen &^ (shape.must | shape.may); more != 0 {
		return bad("the command %s has no member %q", kind, more.first())
	}
	return nil
}

func bad(format string, args ...any) *Error {
	return &Error{Code: BadCommand, Message: fmt.Sprintf(format, args...)}
}

// quote returns the beginning of a part of the command.
func quote(part []byte) string {
	if len(part) <= maxQuote {
		return string(part)
	}
	end := maxQuote
	for !utf8.RuneStart(part[end]) {
		end--
	}
	return string(part[:end]) + "…"
}
