package lab

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// measuredKey is the key `measured` of an experiment's file with all that belongs to it: the rest of its line and the indented lines below.
var measuredKey = regexp.MustCompile(`(?m)^measured:.*\n(?:[ \t]+\S.*\n)*`)

// WithMeasured returns an experiment's source with another `measured`, in which every line is kept as it is; nothing else of the file changes, comments included. An
// empty text is an experiment that nobody has run yet.
func WithMeasured(source []byte, text string) ([]byte, error) {
	at := measuredKey.FindIndex(source)
	if at == nil {
		return nil, inputErrorf("the experiment has no line `measured: \"\"` to be filled in; add one")
	}
	block := "measured: \"\"\n"
	if text = strings.TrimSpace(text); text != "" {
		block = "measured: |\n  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n"
	}
	changed := bytes.Join([][]byte{source[:at[0]], []byte(block), source[at[1]:]}, nil)
	if _, err := Parse("", changed); err != nil {
		return nil, fmt.Errorf("BUG: with its result the experiment cannot be read any more: %w", err)
	}
	return changed, nil
}

// SameQuestion reports whether two sources are the same experiment but for what was measured.
func SameQuestion(a, b []byte) bool {
	bareA, errA := WithMeasured(a, "")
	bareB, errB := WithMeasured(b, "")
	return errA == nil && errB == nil && bytes.Equal(bareA, bareB)
}
