package envelope

import (
	"strings"
	"testing"
)

func TestParsePayload(t *testing.T) {
	for _, tc := range []struct{ data, enc, want, problem string }{
		{`{"a":1}`, "", `{"a":1}`, ""},
		{`null`, "", `null`, ""},
		{`"text"`, "", `text`, ""},
		{`"42"`, "", `"42"`, ""},
		{`""`, "", ``, ""},
		{`"/wA="`, "base64", "\xff\x00", ""},
		{``, "", "", `"data" is missing`},
		{`1`, "base64", "", "not a string"},
		{`"!"`, "base64", "", "not base64"},
		{`"x"`, "hex", "", `"enc" is "hex"`},
	} {
		got, err := ParsePayload([]byte(tc.data), tc.enc)
		switch {
		case tc.problem == "" && (err != nil || string(got) != tc.want):
			t.Errorf("%s %s: got %q, %v, want %q", tc.data, tc.enc, got, err, tc.want)
		case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
			t.Errorf("%s %s: got %v, want %s", tc.data, tc.enc, err, tc.problem)
		}
	}
}
