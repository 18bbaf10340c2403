package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tickgate/internal/envelope"
)

func TestParse(t *testing.T) {
	tests := []struct{ line, payload, problem string }{
		{`{"topic":"a","data":{"x": 1.50}}`, `{"x": 1.50}`, ""},
		{`{"topic":"a","data":null}`, `null`, ""},
		{` {"topic":"a","data":[1] } `, `[1]`, ""},
		{`{"topic":"a","data":"plain\ntext ü"}`, "plain\ntext ü", ""},
		{`{"topic":"a","data":""}`, "", ""},
		{`{"topic":"a","data":"42"}`, `"42"`, ""},
		{`{"topic":"a","data":"AAH/","enc":"base64"}`, "\x00\x01\xff", ""},
		{`{"topic":"a","data":"A","enc":"base64"}`, "", "not base64"},
		{`{"topic":"a","data":1,"enc":"base64"}`, "", "not a string"},
		{`{"topic":"a","data":"x","enc":"hex"}`, "", `"enc" is \"hex\"`},
		{`{"topic":"a"}`, "", `"data" is missing`},
		{`{"topic":"a","data":1,"mesgid":"x"}`, "", "mesgid"},
		{`{"topic":"a","data":1}{}`, "", "goes on"},
		{`null`, "", "missing"},
		{``, "", "not a message"},
		{`[]`, "", "not a message"},
		{"{\"topic\":\"a\",\"data\":\"\xff\"}", "", "not UTF-8"},
	}
	for _, tt := range tests {
		m, err := parse([]byte(tt.line))
		switch {
		case tt.problem == "" && (err != nil || string(m.Payload) != tt.payload):
			t.Errorf("%s: got %q, %v, want %q", tt.line, m.Payload, err, tt.payload)
		case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(tt.problem, `\"`, `"`))):
			t.Errorf("%s: got error %v, want one with %s", tt.line, err, tt.problem)
		}
	}
}

// FuzzSymmetric: what the gateway delivers in an envelope can be published as a line and is delivered alike, and what
// is published is delivered as the data that it was.
func FuzzSymmetric(f *testing.F) {
	for _, seed := range []string{"", "text", "\"quoted\"", "42", "\"42\"", "\"\\\"42\\\"\"", "\xff\x00", `{"a":1}`, "{\"a\":\n1}", "null", "\u2028"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		delivered := delivery(t, payload)
		again, err := envelope.ParsePayload(delivered.Data, delivered.Enc)
		if err != nil {
			t.Fatalf("%q is delivered as %s, which cannot be published: %v", payload, delivered.Data, err)
		}
		if twice := delivery(t, again); !bytes.Equal(twice.Data, delivered.Data) || twice.Enc != delivered.Enc {
			t.Fatalf("%q is delivered as %s, and after publishing that as %s", payload, delivered.Data, twice.Data)
		}
	})
}

// delivery returns a payload's data and enc.
func delivery(t *testing.T, payload []byte) (l line) {
	t.Helper()
	if err := json.Unmarshal(envelope.AppendMessage(nil, &envelope.Message{Topic: "a", ID: "e-1", Payload: payload}), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*lineBuffer)
	tests := []struct {
		name, body string
		limit      int
		want       []string
	}{
		{"empty", "", 10, nil},
		{"last without end", "a\nb", 10, []string{"a", "b"}},
		{"empty lines", "a\n\r\n\nb\r\n", 10, []string{"a", "", "", "b"}},
		{"too long", "a\n12345678901\nb\n", 10, []string{"a", "!", "b"}},
		{"exactly", "1234567890\r\n1234567890\n12345678901", 10, []string{"1234567890", "1234567890", "!"}},
		{"longer than the buffer", "a\n" + long + "\nb", len(long), []string{"a", long, "b"}},
		{"much too long", "a\n" + long + "\nb", 10, []string{"a", "!", "b"}},
		{"much too long at the end", long, 10, []string{"!"}},
		{"one too many", long + "\nb", len(long) - 1, []string{"!", "b"}},
	}
	for _, tt := range tests {
		for name, reader := range map[string]io.Reader{"whole": strings.NewReader(tt.body), "bytes": iotest.OneByteReader(strings.NewReader(tt.body))} {
			if got := readLines(t, reader, tt.limit); !slices.Equal(got, tt.want) {
				t.Errorf("%s, %s: got %d lines %.60q, want %.60q", tt.name, name, len(got), got, tt.want)
			}
		}
	}
}

// readLines returns all lines, "!" for those that are too long.
func readLines(t *testing.T, body io.Reader, limit int) (got []string) {
	t.Helper()
	for l := newLines(body, limit); ; {
		text, err := l.next()
		switch {
		case errors.Is(err, errLongLine):
			got = append(got, "!")
		case errors.Is(err, io.EOF):
			return got
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, string(text))
		}
	}
}
