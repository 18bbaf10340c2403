package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
)

var (
	fromClient = Limits{Server: true, MaxMessage: 64 << 10}
	fromServer = Limits{MaxMessage: 64 << 10}
)

var testKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// masked returns a frame of a client; first is the whole first byte.
func masked(first byte, payload string) string {
	b := appendFrameHeader(nil, first, bitMask, len(payload))
	b = append(b, testKey[:]...)
	start := len(b)
	b = append(b, payload...)
	ws.Cipher(b[start:], testKey, 0)
	return string(b)
}

// plain returns a frame of a server.
func plain(first byte, payload string) string {
	return string(appendFrameHeader(nil, first, 0, len(payload))) + payload
}

// decodeOutcome decodes frames that arrive in pieces and describes the whole messages, the control frames and the error.
// Bytes of a message that did not end are left out: how many are handed out before an error depends on the cuts.
func decodeOutcome(lim Limits) func(pieces ...[]byte) string {
	return func(pieces ...[]byte) string {
		var (
			d       Decoder
			out     strings.Builder
			message []byte
		)
		arrivals(pieces, func(b []byte) (consumed int, stop bool) {
			for {
				p, n, err := d.Next(b[consumed:], &lim)
				consumed += n
				if err != nil {
					var ce *CloseError
					if !errors.As(err, &ce) {
						fmt.Fprintf(&out, "error of type %T ", err)
					}
					fmt.Fprintf(&out, "error{%v} ", err)
					return consumed, false // what follows must be ignored
				}
				switch p.Kind {
				case None:
					if n == 0 || consumed == len(b) {
						return consumed, false
					}
				case Data:
					if p.First {
						message = message[:0]
					}
					message = append(message, p.Payload...)
					if p.Final {
						fmt.Fprintf(&out, "op%d{%q} ", p.Op, message)
					}
				case Ping, Pong:
					fmt.Fprintf(&out, "%s{%q} ", map[Kind]string{Ping: "ping", Pong: "pong"}[p.Kind], p.Payload)
				case Close:
					fmt.Fprintf(&out, "close{%d %q} ", p.Code, p.Payload)
				}
			}
		})
		return strings.TrimSpace(out.String())
	}
}

func TestDecoder(t *testing.T) {
	long := strings.Repeat("x", 126)
	long16 := strings.Repeat("y", 1<<16)
	for _, tc := range []struct{ name, in, want string }{
		{"text", masked(0x81, "hello"), `op1{"hello"}`},
		{"binary", masked(0x82, "\x00\xff"), `op2{"\x00\xff"}`},
		{"empty text", masked(0x81, ""), `op1{""}`},
		{"16-bit length", masked(0x81, long), `op1{"` + long + `"}`},
		{"64-bit length", masked(0x82, long16), `op2{"` + long16 + `"}`},
		{"fragments", masked(0x01, "he") + masked(0x00, "l") + masked(0x80, "lo"), `op1{"hello"}`},
		{"empty fragments", masked(0x01, "") + masked(0x00, "") + masked(0x80, ""), `op1{""}`},
		{"ping between fragments", masked(0x01, "he") + masked(0x89, "p") + masked(0x80, "llo"), `ping{"p"} op1{"hello"}`},
		{"ping and pong", masked(0x89, "a") + masked(0x8a, "b") + masked(0x89, ""), `ping{"a"} pong{"b"} ping{""}`},
		{"longest ping", masked(0x89, long[:125]), `ping{"` + long[:125] + `"}`},
		{"two messages", masked(0x81, "a") + masked(0x82, "b"), `op1{"a"} op2{"b"}`},
		{"close without code", masked(0x88, ""), `close{1005 ""}`},
		{"close with reason", masked(0x88, "\x03\xe8bye"), `close{1000 "bye"}`},
		{"close between fragments", masked(0x01, "a") + masked(0x88, "\x03\xe9"), `close{1001 ""}`},
		{"nothing comes behind a close", masked(0x88, "") + masked(0x81, "a") + "\xff\xff", `close{1005 ""}`},
		{"rune across fragments", masked(0x01, "\xe2\x82") + masked(0x80, "\xac"), `op1{"€"}`},
		{"rune around a ping", masked(0x01, "\xf0\x9f") + masked(0x89, "") + masked(0x80, "\x98\x80"), `ping{""} op1{"😀"}`},
		{"binary need not be text", masked(0x02, "\xff") + masked(0x80, "\xc0"), `op2{"\xff\xc0"}`},

		{"reserved bit 1", masked(0xc1, ""), `error{close 1002: reserved bits are set}`},
		{"reserved bit 3 on a ping", masked(0x99, ""), `error{close 1002: reserved bits are set}`},
		{"reserved bit 2 on a close", masked(0xa8, ""), `error{close 1002: reserved bits are set}`},
		{"reserved opcode 3", masked(0x83, ""), `error{close 1002: reserved opcode}`},
		{"reserved opcode 11", masked(0x8b, ""), `error{close 1002: reserved opcode}`},
		{"fragmented ping", masked(0x09, ""), `error{close 1002: fragmented control frame}`},
		{"long ping", masked(0x89, long), `error{close 1002: control frame longer than 125 bytes}`},
		{"continuation at first", masked(0x80, "a"), `error{close 1002: continuation without a message}`},
		{"continuation after a message", masked(0x81, "a") + masked(0x80, "b"), `op1{"a"} error{close 1002: continuation without a message}`},
		{"message inside another", masked(0x01, "a") + masked(0x81, "b"), `error{close 1002: new message inside a fragmented one}`},
		{"not masked", plain(0x81, "a"), `error{close 1002: frame of a client is not masked}`},
		{"length 5 in 16 bits", "\x81\xfe\x00\x05", `error{close 1002: payload length is not in its shortest form}`},
		{"length 65535 in 64 bits", "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", `error{close 1002: payload length is not in its shortest form}`},
		{"negative length", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", `error{close 1002: payload length is not in its shortest form}`},
		{"close with one byte", masked(0x88, "\x03"), `error{close 1002: close frame with one byte}`},
		{"close with a bad code", masked(0x88, "\x03\xed"), `error{close 1002: invalid close code}`},
		{"close reason not UTF-8", masked(0x88, "\x03\xe8\xff"), `error{close 1007: close reason is not UTF-8}`},
		{"text not UTF-8", masked(0x81, "a\xff"), `error{close 1007: text is not UTF-8}`},
		{"text ends inside a rune", masked(0x81, "a\xe2\x82"), `error{close 1007: text is not UTF-8}`},
		{"text fails before its end", masked(0x01, "\xed\xa0"), `error{close 1007: text is not UTF-8}`},
		{"rune broken by a fragment", masked(0x01, "\xe2\x82") + masked(0x80, "a"), `error{close 1007: text is not UTF-8}`},
		{"nothing comes behind an error", masked(0x83, "") + masked(0x81, "a"), `error{close 1002: reserved opcode}`},
		{"message at the limit", masked(0x02, long16[:1<<15]) + masked(0x80, long16[:1<<15]), `op2{"` + long16 + `"}`},
		{"message beyond the limit", "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x01", `error{close 1009: message too big}`},
		{"fragments beyond the limit", masked(0x02, long16) + masked(0x80, "z"), `error{close 1009: message too big}`},
		{"a size that would overflow", masked(0x02, "z") + "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff", `error{close 1009: message too big}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := everySplit(t, []byte(tc.in), decodeOutcome(fromClient)); got != tc.want {
				t.Errorf("got %.200s, want %.200s", got, tc.want)
			}
		})
	}
}

func TestDecoderOfClient(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"text", plain(0x81, "hello"), `op1{"hello"}`},
		{"fragments around a ping", plain(0x01, "a") + plain(0x89, "p") + plain(0x80, "b"), `ping{"p"} op1{"ab"}`},
		{"masked", masked(0x81, "a"), `error{close 1002: frame of a server is masked}`},
		{"restart", string(AppendCloseRetry(nil, CloseRestart, 1500e6)), `close{1012 "retry=1500"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := everySplit(t, []byte(tc.in), decodeOutcome(fromServer)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestDecoderWithoutLimit(t *testing.T) {
	var d Decoder
	in := append([]byte("\x02\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), testKey[:]...)
	if p, n, err := d.Next(in, &Limits{Server: true}); n != len(in) || err != nil || p.Kind != None {
		t.Errorf("header of the longest frame: got %+v, %d, %v, want it consumed", p, n, err)
	}
}

func TestDecoderHandsOutWhatIsThere(t *testing.T) {
	var d Decoder
	in := []byte(masked(0x81, "hello"))
	p, n, err := d.Next(in[:8], &fromClient)
	if got := fmt.Sprintf("%v %q %v %v %d %v", p.Kind, p.Payload, p.First, p.Final, n, err); got != `1 "he" true false 8 <nil>` {
		t.Errorf("first two bytes: got %s", got)
	}
	p, n, err = d.Next(in[8:], &fromClient)
	if got := fmt.Sprintf("%v %q %v %v %d %v", p.Kind, p.Payload, p.First, p.Final, n, err); got != `1 "llo" false true 3 <nil>` {
		t.Errorf("the rest: got %s", got)
	}
	if p, n, err = d.Next(nil, &fromClient); p.Kind != None || n != 0 || err != nil {
		t.Errorf("nothing: got %+v, %d, %v, want None, 0, nil", p, n, err)
	}
	if d != (Decoder{}) {
		t.Errorf("between messages: got %+v, want the zero value", d)
	}
}

func TestDecoderSize(t *testing.T) {
	if got := unsafe.Sizeof(Decoder{}); got != 24 {
		t.Errorf("got %d bytes, want 24 (a session holds one, and the issue allows less than 48)", got)
	}
}

// FuzzDecoder: the outcome does not depend on the cuts; what we accept, gobwas/ws reads alike.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		masked(0x01, "he") + masked(0x89, "p") + masked(0x80, "llo"),
		masked(0x81, "\xf0\x9f\x98\x80") + masked(0x88, "\x03\xe8bye"),
		masked(0x82, strings.Repeat("z", 130)), "\x81\xfe\x00\x05", "\x88\x82\x00\x00\x00\x00\x13\x88",
	} {
		f.Add([]byte(s), true)
	}
	f.Add([]byte(plain(0x01, "a")+plain(0x80, "b")), false)
	f.Fuzz(func(t *testing.T, in []byte, server bool) {
		lim := Limits{Server: server, MaxMessage: 256}
		got := everySplit(t, in, decodeOutcome(lim))
		accepted, _, _ := strings.Cut(got, "error{")
		if want := gobwasOutcome(in, server); !strings.HasPrefix(want, strings.TrimSpace(accepted)) {
			t.Fatalf("%q: got %s, want the beginning of %s as gobwas/ws", in, got, want)
		}
	})
}

// gobwasOutcome reads frames with gobwas/ws, as far as it accepts them, and describes them like decodeOutcome.
func gobwasOutcome(in []byte, server bool) string {
	var (
		out     strings.Builder
		message []byte
		op      ws.OpCode
		r       = bytes.NewReader(in)
		state   = ws.StateClientSide
	)
	if server {
		state = ws.StateServerSide
	}
	for {
		h, err := ws.ReadHeader(r)
		if err != nil || ws.CheckHeader(h, state) != nil || h.Length > int64(r.Len()) {
			return strings.TrimSpace(out.String())
		}
		payload := make([]byte, h.Length)
		_, _ = r.Read(payload)
		ws.Cipher(payload, h.Mask, 0)
		switch h.OpCode {
		case ws.OpPing:
			fmt.Fprintf(&out, "ping{%q} ", payload)
		case ws.OpPong:
			fmt.Fprintf(&out, "pong{%q} ", payload)
		case ws.OpClose:
			code, reason := ws.ParseCloseFrameData(payload)
			if code == 0 {
				code = ws.StatusNoStatusRcvd
			}
			fmt.Fprintf(&out, "close{%d %q} ", code, reason)
		default:
			message = append(message, payload...)
			if h.OpCode != ws.OpContinuation {
				op = h.OpCode
			}
			state = state.Set(ws.StateFragmented)
			if h.Fin {
				fmt.Fprintf(&out, "op%d{%q} ", op, message)
				message, state = nil, state.Clear(ws.StateFragmented)
			}
		}
	}
}

func BenchmarkDecoder(b *testing.B) {
	for _, size := range []int{16, 125, 4096, 65536} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var d Decoder
			in := []byte(masked(0x81, strings.Repeat("x", size)))
			work := make([]byte, len(in))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				copy(work, in)
				if p, _, err := d.Next(work, &fromClient); !p.Final || err != nil {
					b.Fatal(p, err)
				}
			}
		})
	}
}

func TestDecoderAllocs(t *testing.T) {
	var d, broken Decoder
	in := []byte(masked(0x01, "hel") + masked(0x89, "p") + masked(0x80, "lo"))
	work := make([]byte, len(in))
	zeroAllocs(t, "a message and a ping", func() {
		b := work[:copy(work, in)]
		for len(b) > 0 {
			_, n, err := d.Next(b, &fromClient)
			if err != nil {
				t.Fatal(err)
			}
			b = b[n:]
		}
	})
	zeroAllocs(t, "an error", func() {
		broken = Decoder{}
		_, _, _ = broken.Next([]byte("\xff"), &fromClient)
	})
}
