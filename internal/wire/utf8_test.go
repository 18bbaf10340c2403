package wire

import (
	"testing"
	"unicode/utf8"
)

// TestUTF8State compares with the standard library over every sequence of up to four bytes that matter: each byte's
// class is decided by one of these.
func TestUTF8State(t *testing.T) {
	edges := []byte{0x00, 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff}
	var try func(p []byte, s utf8State)
	try = func(p []byte, s utf8State) {
		if got, want := s == utf8Between, utf8.Valid(p); got != want {
			t.Fatalf("%x: got valid %v, want %v", p, got, want)
		}
		if whole := utf8Between.add(p); whole != s {
			t.Fatalf("%x: got state %d in one piece, %d byte by byte", p, whole, s)
		}
		if len(p) == 4 {
			return
		}
		for _, c := range edges {
			try(append(p[:len(p):len(p)], c), s.add([]byte{c}))
		}
	}
	try(nil, utf8Between)
}

func TestUTF8StateFailsAtOnce(t *testing.T) {
	for _, tc := range []struct {
		in string
		at int // the byte that makes it impossible
	}{
		{"\xff", 0}, {"a\x80", 1}, {"\xc1", 0}, {"\xe0\x9f", 1}, {"\xed\xa0", 1}, {"\xf0\x8f", 1}, {"\xf4\x90", 1}, {"\xe2\x82a", 2}, {"\xf5", 0},
	} {
		s := utf8Between
		for i := range tc.in {
			s = s.add([]byte{tc.in[i]})
			if got, want := s == utf8Invalid, i >= tc.at; got != want {
				t.Errorf("%x after byte %d: got invalid %v, want %v", tc.in, i, got, want)
			}
		}
	}
}

func FuzzUTF8State(f *testing.F) {
	f.Add([]byte("a€\xf0\x9f\x98\x80\xed\xa0"), uint(3))
	f.Fuzz(func(t *testing.T, in []byte, cut uint) {
		cut = min(cut, uint(len(in)))
		s := utf8Between.add(in[:cut]).add(in[cut:])
		if got, want := s == utf8Between, utf8.Valid(in); got != want {
			t.Fatalf("%q cut at %d: got valid %v, want %v", in, cut, got, want)
		}
	})
}
