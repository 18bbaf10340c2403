package wire

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestValidCloseCode(t *testing.T) {
	valid := func(c int) bool { // RFC 6455 §7.4.2 and the IANA registry, in other words than the code
		switch {
		case c < 1000, c > 4999, c >= 1015 && c < 3000:
			return false
		case c == 1004, c == 1005, c == 1006:
			return false
		}
		return true
	}
	for c := range 1 << 16 {
		if got := ValidCloseCode(uint16(c)); got != valid(c) {
			t.Errorf("%d: got %v, want %v", c, got, valid(c))
		}
	}
}

func TestCloseFrameRoundTrip(t *testing.T) {
	umlauts := strings.Repeat("ä", 62) // 124 bytes: one too many, and the cut falls into a rune
	for _, tc := range []struct {
		code         uint16
		reason, want string
	}{
		{CloseNormal, "", ""},
		{CloseGoingAway, "bye", "bye"},
		{CloseNoStatus, "is not sent", ""},
		{CloseSlowConsumer, strings.Repeat("x", 200), strings.Repeat("x", 123)},
		{ClosePolicy, umlauts, umlauts[:122]},
	} {
		var d Decoder
		b := AppendCloseFrame(nil, tc.code, tc.reason)
		p, n, err := d.Next(b, &fromServer)
		if err != nil || n != len(b) || p.Kind != Close || p.Code != tc.code || string(p.Payload) != tc.want {
			t.Errorf("%d %q: got %+v, %d, %v, want reason %q", tc.code, tc.reason, p, n, err, tc.want)
		}
		if !utf8.Valid(p.Payload) {
			t.Errorf("%d: got reason %q, want UTF-8", tc.code, p.Payload)
		}
	}
}

func TestParseClose(t *testing.T) {
	for _, tc := range []struct {
		in     string
		code   uint16
		reason string
		err    error
	}{
		{"", CloseNoStatus, "", nil},
		{"\x03\xe8", 1000, "", nil},
		{"\x03\xf4retry=5", 1012, "retry=5", nil},
		{"\x03", 0, "", errCloseLength},
		{"\x03\xee", 0, "", errCloseCode},
		{"\x13\x88", 0, "", errCloseCode},
		{"\x03\xe8\xc3", 0, "", errCloseReason},
	} {
		code, reason, err := ParseClose([]byte(tc.in))
		if code != tc.code || string(reason) != tc.reason || !errors.Is(err, tc.err) {
			t.Errorf("%q: got %d, %q, %v, want %d, %q, %v", tc.in, code, reason, err, tc.code, tc.reason, tc.err)
		}
	}
}

func TestRetryHint(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"retry=0", 0, true},
		{"retry=1500", 1500 * time.Millisecond, true},
		{"retry=", 0, false},
		{"retry=-1", 0, false},
		{"retry=1.5", 0, false},
		{"retry=99999999999999999", 0, false},
		{"Retry=1", 0, false},
		{"", 0, false},
	} {
		if got, ok := ParseRetry([]byte(tc.in)); got != tc.want || ok != tc.ok {
			t.Errorf("%q: got %v, %v, want %v, %v", tc.in, got, ok, tc.want, tc.ok)
		}
	}
	for _, retry := range []time.Duration{-time.Second, 0, 7 * time.Second} {
		frame := AppendCloseRetry(nil, CloseOverloaded, retry)
		if got, ok := ParseRetry(frame[4:]); got != max(retry, 0) || !ok {
			t.Errorf("%v: got %v, %v, want it back", retry, got, ok)
		}
	}
}
