package envelope

import (
	"bytes"
	"encoding/json"
)

// walk goes through a text that json.Valid has found to be JSON. It is ours because encoding/json decodes into copies,
// takes names in any case, keeps the last of several members with one name, and replaces what is not UTF-8.
type walk struct {
	text []byte
	at   int
}

// space skips white space and commas, which in valid JSON stand only where something follows.
func (w *walk) space() byte {
	for w.at < len(w.text) {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\r', '\n', ',':
			w.at++
		default:
			return c
		}
	}
	return 0
}

// enter goes into the object or array at hand, whose first byte is open. It reports false for anything else.
func (w *walk) enter(open byte) bool {
	if w.space() != open {
		return false
	}
	w.at++
	return true
}

// leave reports whether the object or array is at its end, which also is that of the text.
func (w *walk) leave(end byte) bool {
	c := w.space()
	return c == end || c == 0
}

// colon goes behind the colon between a name and its value.
func (w *walk) colon() {
	w.space()
	w.at++
}

// value returns the value at hand, without white space around it, and goes behind it.
func (w *walk) value() []byte {
	first, start := w.space(), w.at
	switch first {
	case '"':
		w.at += stringLen(w.text[w.at:])
	case '{', '[':
		w.skipNested()
	default:
		for w.at < len(w.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), w.text[w.at]) < 0 {
			w.at++
		}
	}
	return w.text[start:w.at]
}

// skipNested goes behind the object or array at hand.
func (w *walk) skipNested() {
	for level := 0; w.at < len(w.text); {
		switch w.text[w.at] {
		case '"':
			w.at += stringLen(w.text[w.at:])
			continue
		case '{', '[':
			level++
		case '}', ']':
			level--
		}
		w.at++
		if level == 0 {
			return
		}
	}
}

// stringLen returns the length of the JSON string that b starts with, its quotes included; that of b if it does not end.
func stringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(b)
}

// depth returns how deep a text is nested, whether it is JSON or not.
func depth(b []byte) (deepest int) {
	for i, level := 0, 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringLen(b[i:]) - 1
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}

// unquote returns the text of a JSON string; without escapes it is a part of the string itself.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		panic("BUG: a string in valid JSON does not decode: " + err.Error())
	}
	return []byte(text)
}
