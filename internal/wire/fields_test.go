package wire

import (
	"slices"
	"testing"
)

func TestEachHeader(t *testing.T) {
	var r Request
	head := "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: one, two\r\nOther: x\r\nx-forwarded-for:\tthree \r\nX-FORWARDED-FOR:\r\n\r\n"
	if _, err := ParseRequest([]byte(head), 1024, &r); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		most int
		want []string
	}{
		{"X-Forwarded-For", 9, []string{"one, two", "three", ""}},
		{"X-Forwarded-For", 2, []string{"one, two", "three"}},
		{"Forwarded", 9, nil},
	} {
		var got []string
		r.EachHeader(c.name, func(v []byte) bool {
			got = append(got, string(v))
			return len(got) < c.most
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, at most %d: got %q, want %q", c.name, c.most, got, c.want)
		}
	}
}
