package load

import "testing"

func TestFieldSequence(t *testing.T) {
	tests := []struct {
		path, doc string
		want      uint64
		ok        bool
	}{
		{"seq", `{"seq":42}`, 42, true},
		{"seq", `{"sym":"A","seq" : 42 ,"ts":1}`, 42, true},
		{"seq", `{"seq":"42"}`, 42, true},
		{"seq", `{"push":{"channel":"x","pub":{"data":{"seq":7}}}}`, 7, true},
		{"pub.data.seq", `{"seq":1,"pub":{"seq":2,"data":{"seq":3}}}`, 3, true},
		{"seq", `{"note":"seq","seq":5}`, 5, true},
		{"seq", `{"note":"a \"seq\": 9","seq":5}`, 5, true},
		{"seq", `{"seq":null}`, 0, false},
		{"seq", `{"sequence":4}`, 0, false},
		{"seq", `{"seq":18446744073709551616}`, 0, false},
		{"seq", `not JSON`, 0, false},
		{"seq", ``, 0, false},
		{"seq", `{"seq":`, 0, false},
		{"", `{"seq":1,"":2}`, 0, false},
	}
	for _, tt := range tests {
		f := newField(tt.path)
		if got, ok := f.sequence([]byte(tt.doc)); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q in %s: got %d, %v, want %d, %v", tt.path, tt.doc, got, ok, tt.want, tt.ok)
		}
	}
}

func TestFieldInstant(t *testing.T) {
	const want = 1790000000123456789
	tests := []struct {
		doc  string
		want int64
	}{
		{`{"ts":1790000000123456789}`, want},
		{`{"ts":1790000000123456}`, want / 1000 * 1000},
		{`{"ts":1790000000123}`, want / 1000000 * 1000000},
		{`{"ts":1790000000123.4567}`, want / 100 * 100},
		{`{"ts":1790000000}`, 1790000000000000000},
		{`{"ts":1790000000.5}`, 1790000000500000000},
		{`{"ts":"1790000000123456789"}`, want},
		{`{"ts":"2026-09-21T00:00:00Z"}`, 0}, // only numbers are read
		{`{"ts":-5}`, 0},
		{`{"ts":0}`, 0},
		{`{"t":1}`, 0},
	}
	f := newField("ts")
	for _, tt := range tests {
		if got, ok := f.instant([]byte(tt.doc)); got != tt.want || ok != (tt.want != 0) {
			t.Errorf("%s: got %d, %v, want %d", tt.doc, got, ok, tt.want)
		}
	}
}

func TestFieldText(t *testing.T) {
	f := newField("id")
	for doc, want := range map[string]string{
		`{"id":"e-1"}`: "e-1", `{"id":""}`: "", `{"id":7}`: "", `{"id":"a\"b"}`: "", `{"id":"open`: "", `{}`: "",
	} {
		if got := string(f.text([]byte(doc))); got != want {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
}

func FuzzField(f *testing.F) {
	f.Add("a.b", []byte(`{"a":{"b":"1.5"}}`))
	f.Add("ts", []byte(`{"ts" : 99999999999999999999.`))
	f.Fuzz(func(_ *testing.T, path string, doc []byte) {
		field := newField(path)
		field.sequence(doc)
		field.instant(doc)
		field.text(doc)
	})
}
