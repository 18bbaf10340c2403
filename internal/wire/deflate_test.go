package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// pack compresses as gobwas/ws does.
func pack(t testing.TB, message string) []byte {
	t.Helper()
	packed, err := wsflate.DefaultHelper.Compress([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// noise returns n bytes that do not compress.
func noise(n int) string {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{})
	_, _ = source.Read(b)
	return string(b)
}

// TestDeflater: gobwas/ws reads what we compress, and what does not get shorter goes as it is.
func TestDeflater(t *testing.T) {
	var d Deflater
	tick := `{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000,"sym2":"ACME","price2":101.25}`
	for _, tc := range []struct {
		name, payload string
		packed        bool
	}{
		{"a tick", tick, true},
		{"again, nothing is kept", tick, true},
		{"long", strings.Repeat(tick, 1000), true},
		{"short", `{"a":1}`, false},
		{"empty", "", false},
		{"noise", noise(4096), false},
		{"binary", "\xff" + strings.Repeat("\x00", 1000), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := d.AppendMessage([]byte("before"), []byte(tc.payload))
			plain := AppendMessage([]byte("before"), []byte(tc.payload))
			if !tc.packed {
				if !bytes.Equal(out, plain) {
					t.Errorf("got %q, want it as it is", out)
				}
				return
			}
			if len(out) >= len(plain) {
				t.Errorf("got %d bytes, as it is it has %d", len(out), len(plain))
			}
			in := bytes.NewReader(out[len("before"):])
			header, err := ws.ReadHeader(in)
			if err != nil {
				t.Fatal(err)
			}
			frame := ws.Frame{Header: header, Payload: out[len(out)-in.Len():]}
			frame, err = wsflate.DecompressFrame(frame)
			if want := ws.OpCode(plain[len("before")] & 0xf); err != nil || string(frame.Payload) != tc.payload || frame.Header.OpCode != want {
				t.Errorf("got %v %q, %v, want opcode %v and the payload", frame.Header, frame.Payload, err, want)
			}
		})
	}
}

func TestInflater(t *testing.T) {
	const limit = 1 << 16
	var f Inflater
	for _, tc := range []struct {
		name, message string
	}{
		{"empty", ""}, {"short", "a"}, {"a tick", `{"sym":"ACME","price":101.25}`}, {"noise", noise(5000)}, {"the longest", strings.Repeat("x", limit)},
	} {
		got, err := f.AppendMessage([]byte("before"), pack(t, tc.message), limit)
		if err != nil || string(got) != "before"+tc.message {
			t.Errorf("%s: got %.40q, %v", tc.name, got, err)
		}
	}
	for _, tc := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a byte too many", pack(t, strings.Repeat("x", limit+1)), errTooBig},
		{"a bomb", pack(t, strings.Repeat("x", 64<<20)), errTooBig},
		{"not deflate", []byte("\xff\xff\xff"), errInflate},
		{"cut off", pack(t, noise(1000))[:500], errInflate},
	} {
		got, err := f.AppendMessage([]byte("before"), tc.in, limit)
		if !errors.Is(err, tc.want) || string(got) != "before" {
			t.Errorf("%s: got %.40q, %v, want %v", tc.name, got, err, tc.want)
		}
	}
	if got, err := f.AppendMessage(nil, pack(t, "after all these"), limit); err != nil || string(got) != "after all these" {
		t.Errorf("got %q, %v: an error must leave nothing behind", got, err)
	}
}

// FuzzInflater: whatever comes, it ends in a message within the limit or an error.
func FuzzInflater(f *testing.F) {
	f.Add(pack(f, "hello hello hello"))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var inflater Inflater
		got, err := inflater.AppendMessage(nil, in, 1000)
		if len(got) > 1000 || err != nil && len(got) > 0 {
			t.Errorf("got %d bytes and %v from %q", len(got), err, in)
		}
	})
}

// TestDecodePacked: the bit of compression is heeded where it was agreed on, and only on the first frame of a message.
func TestDecodePacked(t *testing.T) {
	frame := func(first byte, payload string) string {
		return string([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload
	}
	packed := string(pack(t, "hello \xff hello"))
	for _, tc := range []struct {
		name, in string
		agreed   bool
		want     error
	}{
		{"a message", frame(0xc1, packed), true, nil},
		{"in two parts", frame(0x41, packed[:4]) + frame(0x80, packed[4:]), true, nil},
		{"not agreed on", frame(0xc1, packed), false, errReservedBits},
		{"on a continuation", frame(0x41, packed[:4]) + frame(0xc0, packed[4:]), true, errReservedBits},
		{"on a ping", frame(0xc9, ""), true, errReservedBits},
		{"another bit", frame(0xe1, packed), true, errReservedBits},
		{"none, not UTF-8", frame(0x81, "\xff"), true, errText},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var d Decoder
			if tc.agreed {
				d.AgreeDeflate()
			}
			before := d
			var got []byte
			var err error
			for in := []byte(tc.in); err == nil; {
				var p Part
				var n int
				if p, n, err = d.Next(in, &Limits{Server: true}); n == 0 {
					break
				}
				if p.Kind == Data && !p.Packed {
					t.Errorf("got %q without the mark", p.Payload)
				}
				got, in = append(got, p.Payload...), in[n:]
			}
			if !errors.Is(err, tc.want) || err == nil && string(got) != packed {
				t.Errorf("got %q, %v, want %v", got, err, tc.want)
			}
			if d != before && err == nil {
				t.Errorf("got state %+v behind a message", d)
			}
		})
	}
}

// TestAcceptDeflate: what is agreed on is always without context takeover, and what we cannot do is declined.
func TestAcceptDeflate(t *testing.T) {
	const agreed = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
	for offer, want := range map[string]string{
		"permessage-deflate":                         agreed,
		"permessage-deflate; client_max_window_bits": agreed,
		"permessage-deflate; client_no_context_takeover; server_no_context_takeover":     agreed,
		"permessage-deflate; server_max_window_bits=15":                                  agreed + "; server_max_window_bits=15",
		"permessage-deflate; server_max_window_bits=10":                                  "",
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":              agreed,
		"permessage-deflate, permessage-deflate; client_max_window_bits":                 agreed,
		"permessage-deflate; unheard_of":                                                 "",
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover":     "",
		"x-webkit-deflate-frame":                                                         "",
		"x-webkit-deflate-frame, permessage-deflate; client_max_window_bits, permessage": agreed,
	} {
		var r Request
		in := []byte(handshakeWith(versionLine, versionLine+"\r\nSec-WebSocket-Extensions: "+offer))
		if _, err := ParseRequest(in, testLimit, &r); err != nil {
			t.Fatal(err)
		}
		out, terms, err := AppendUpgrade(nil, &r, nil, true)
		if err != nil || terms.Deflate != (want != "") {
			t.Errorf("%s: got %+v, %v", offer, terms, err)
			continue
		}
		var resp Response
		if _, err := ParseResponse(out, testLimit, &resp); err != nil {
			t.Fatal(err)
		}
		if got := string(resp.Header("sec-websocket-extensions")); !sameParameters(got, want) {
			t.Errorf("%s: got the answer %q, want %q", offer, got, want)
		}
	}
}

// sameParameters compares without regard to order and spaces.
func sameParameters(a, b string) bool {
	sorted := func(s string) string {
		parts := strings.Split(strings.ReplaceAll(s, " ", ""), ";")
		slices.Sort(parts)
		return strings.Join(parts, ";")
	}
	return sorted(a) == sorted(b)
}

func BenchmarkDeflater(b *testing.B) {
	var d Deflater
	payload := []byte(strings.Repeat(`{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`, 16))
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = d.AppendMessage(dst[:0], payload)
	}
	b.ReportMetric(float64(len(dst))/float64(len(payload)), "ratio")
}
