package topic

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		in             string
		pattern, topic bool
	}{
		{"price", true, true},
		{"price.ACME", true, true},
		{"prix.élan.東", true, true},
		{"$SYS.a-b_c/d", true, true},
		{"*", true, false},
		{">", true, false},
		{"price.*", true, false},
		{"*.ACME", true, false},
		{"price.>", true, false},
		{"*.*.>", true, false},
		{"", false, false},
		{".", false, false},
		{".price", false, false},
		{"price.", false, false},
		{"price..ACME", false, false},
		{">.price", false, false},
		{"price.>.ACME", false, false},
		{"price.A*", false, false},
		{"price.**", false, false},
		{"price.>>", false, false},
		{"price ACME", false, false},
		{"price\u00a0ACME", false, false},
		{"price\x00", false, false},
		{"price\r\nX", false, false},
		{"price\xff", false, false},
		{strings.Repeat("a", MaxLen), true, true},
		{strings.Repeat("a", MaxLen+1), false, false},
	} {
		if err := CheckPattern(tc.in); (err == nil) != tc.pattern || err != nil && !errors.Is(err, ErrSyntax) || ValidPattern(tc.in) != tc.pattern {
			t.Errorf("CheckPattern(%q): got %v, want a pattern: %v", tc.in, err, tc.pattern)
		}
		if err := Check(tc.in); (err == nil) != tc.topic || err != nil && !errors.Is(err, ErrSyntax) || Valid(tc.in) != tc.topic {
			t.Errorf("Check(%q): got %v, want a topic: %v", tc.in, err, tc.topic)
		}
	}
}
