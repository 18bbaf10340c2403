package envelope

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

const tick = `{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`

func TestAppendMessage(t *testing.T) {
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
			got := AppendMessage(nil, &Message{Topic: "price.ACME", ID: "5f3a-42", Payload: []byte(tc.payload)})
			if want := `{"t":"msg","topic":"price.ACME","id":"5f3a-42","data":` + tc.data + `}`; string(got) != want {
				t.Errorf("got %.300s, want %.300s", got, want)
			}
		})
	}
	want := `{"t":"msg","topic":"a\"b","id":"\\","event":"\n","data":1}`
	if got := string(AppendMessage(nil, &Message{Topic: `a"b`, ID: `\`, Event: "\n", Payload: []byte("1")})); got != want {
		t.Errorf("odd names: got %s, want %s", got, want)
	}
}

// FuzzAppendMessage: what comes out is JSON, holds the names, and gives the payload back.
func FuzzAppendMessage(f *testing.F) {
	for _, s := range []string{tick, "hello\n", "", "\xff", `"\ud800"`, "nul", "-0"} {
		f.Add("price.ACME", "5f3a-42", []byte(s))
	}
	f.Fuzz(func(t *testing.T, topic, id string, payload []byte) {
		b := AppendMessage(nil, &Message{Topic: topic, ID: id, Payload: payload})
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
