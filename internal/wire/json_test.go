package wire

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestAppendJSONString(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{`a"b\c/d`, `"a\"b\\c/d"`},
		{"\n\r\t\b\x00\x1f\x7f", `"\n\r\t\u0008\u0000\u001f` + "\x7f\""},
		{"€😀\u2028", "\"€😀\u2028\""},
		{"a\xffb", "\"a\uFFFDb\""},
		{"cut \xe2\x82", "\"cut \uFFFD\uFFFD\""},
		{"\uFFFD stays", "\"\uFFFD stays\""},
	} {
		if got := string(AppendJSONString(nil, tc.in)); got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.in, got, tc.want)
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	f.Add("a\"\\\n\x00\xff€")
	f.Fuzz(func(t *testing.T, in string) {
		b := AppendJSONString(nil, in)
		if same := AppendJSONString(nil, []byte(in)); !bytes.Equal(b, same) {
			t.Fatalf("%q: got %s as a string, %s as bytes", in, b, same)
		}
		var got, want string
		std, _ := json.Marshal(in)
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &got); err != nil || got != want || !utf8.Valid(b) {
			t.Fatalf("%q: got %s, which is %q (%v), want %q", in, b, got, err, want)
		}
	})
}
