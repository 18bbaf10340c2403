package wire

import (
	"bytes"
	"encoding/json"
	"strings"
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
		if got := string(appendJSONString(nil, tc.in)); got != tc.want {
			t.Errorf("%q: got %s, want %s", tc.in, got, tc.want)
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	f.Add("a\"\\\n\x00\xff€")
	f.Fuzz(func(t *testing.T, in string) {
		b := appendJSONString(nil, in)
		if same := appendJSONString(nil, []byte(in)); !bytes.Equal(b, same) {
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

func TestAppendEnvelope(t *testing.T) {
	deep := strings.Repeat("[", 20000) + strings.Repeat("]", 20000) // json.Valid gives up, so must every reader
	for _, tc := range []struct{ name, payload, data string }{
		{"object", tick, tick},
		{"number", "101.25", "101.25"},
		{"white space around", " {\n} ", " {\n} "},
		{"text", "hello", `"hello"`},
		{"nothing", "", `""`},
		{"almost JSON", `{"a":1}}`, `"{\"a\":1}}"`},
		{"two values", "1 2", `"1 2"`},
		{"too deep", deep, `"` + deep + `"`},
		{"binary", "\x00\xff\x10", `"AP8Q","enc":"base64"`},
		{"JSON around bytes that are not UTF-8", "\"\xff\"", `"Iv8i","enc":"base64"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := AppendEnvelope(nil, "price.ACME", "5f3a-42", []byte(tc.payload))
			if want := `{"t":"msg","topic":"price.ACME","id":"5f3a-42","data":` + tc.data + `}`; string(got) != want {
				t.Errorf("got %.300s, want %.300s", got, want)
			}
		})
	}
	want := `{"t":"msg","topic":"a\"b","id":"\\","data":1}`
	if got := string(AppendEnvelope(nil, `a"b`, `\`, []byte("1"))); got != want {
		t.Errorf("odd names: got %s, want %s", got, want)
	}
}

// FuzzAppendEnvelope: what comes out is JSON, holds the names, and gives the payload back.
func FuzzAppendEnvelope(f *testing.F) {
	for _, s := range []string{tick, "hello\n", "", "\xff", `"\ud800"`, "nul", "-0"} {
		f.Add("price.ACME", "5f3a-42", []byte(s))
	}
	f.Fuzz(func(t *testing.T, topic, id string, payload []byte) {
		b := AppendEnvelope(nil, topic, id, payload)
		var got struct {
			T, Topic, ID, Enc string
			Data              json.RawMessage
		}
		if err := json.Unmarshal(b, &got); err != nil || !utf8.Valid(b) {
			t.Fatalf("got %q, which is not JSON: %v", b, err)
		}
		if got.T != "msg" || utf8.ValidString(topic) && utf8.ValidString(id) && (got.Topic != topic || got.ID != id) {
			t.Fatalf("got %s, want type msg, topic %q, id %q", b, topic, id)
		}
		if json.Valid(payload) && utf8.Valid(payload) {
			if want := bytes.Trim(payload, " \t\r\n"); !bytes.Equal(got.Data, want) {
				t.Fatalf("got data %q, want %q", got.Data, want)
			}
			return
		}
		var text string
		var raw []byte
		switch got.Enc {
		case "base64":
			if err := json.Unmarshal(got.Data, &raw); err != nil || !bytes.Equal(raw, payload) {
				t.Fatalf("got data %s, which is %q (%v), want %q", got.Data, raw, err, payload)
			}
		default:
			if err := json.Unmarshal(got.Data, &text); err != nil || text != string(payload) {
				t.Fatalf("got data %s, which is %q (%v), want %q", got.Data, text, err, payload)
			}
		}
	})
}
