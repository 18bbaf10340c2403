package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// TestFramesAreGobwas compares every encoder with gobwas/ws's at the lengths where the header changes.
func TestFramesAreGobwas(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 100000} {
		payload := []byte(strings.Repeat("p", n))
		for _, tc := range []struct {
			name string
			got  []byte
			want ws.Frame
		}{
			{"text", AppendFrame(nil, OpText, payload), ws.NewTextFrame(payload)},
			{"binary", AppendFrame(nil, OpBinary, payload), ws.NewBinaryFrame(payload)},
			{"message", AppendMessage(nil, payload), ws.NewTextFrame(payload)},
			{"first fragment", AppendFragment(nil, OpText, false, payload), ws.NewFrame(ws.OpText, false, payload)},
			{"last fragment", AppendFragment(nil, OpContinuation, true, payload), ws.NewFrame(ws.OpContinuation, true, payload)},
			{"masked", AppendMaskedFrame(nil, OpText, payload, testKey), ws.MaskFrameWith(ws.NewTextFrame(payload), testKey)},
			{"ping", AppendPing(nil, payload), ws.NewPingFrame(payload[:min(n, 125)])},
			{"pong", AppendPong(nil, payload), ws.NewPongFrame(payload[:min(n, 125)])},
			{"close", AppendCloseFrame(nil, CloseGoingAway, string(payload)), ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, string(payload[:min(n, 123)])))},
		} {
			if want := ws.MustCompileFrame(tc.want); !bytes.Equal(tc.got, want) {
				t.Errorf("%s of %d bytes: got %.40x, want %.40x", tc.name, n, tc.got, want)
			}
		}
	}
}

func TestAppendMessageChoosesOpcode(t *testing.T) {
	for in, want := range map[string]Opcode{"": OpText, "€": OpText, "\xff": OpBinary, "a\xe2\x82": OpBinary} {
		if got := Opcode(AppendMessage(nil, []byte(in))[0] & 0x0f); got != want {
			t.Errorf("%q: got opcode %d, want %d", in, got, want)
		}
	}
}

func TestEncodersAppend(t *testing.T) {
	prefix := []byte("before ")
	for name, got := range map[string][]byte{
		"frame": AppendFrame(prefix, OpText, nil), "masked": AppendMaskedFrame(prefix, OpText, []byte("abc"), testKey),
		"close": AppendCloseFrame(prefix, 1000, ""), "event": AppendSSEEvent(prefix, "1", "", nil),
		"head": AppendSSEHead(prefix, CORS{}), "error": AppendHTTPError(prefix, errHost),
	} {
		if !bytes.HasPrefix(got, prefix) || len(got) == len(prefix) {
			t.Errorf("%s: got %q, want something behind %q", name, got, prefix)
		}
	}
}

const tick = `{"sym":"ACME","price":101.25,"seq":42,"ts":1790000000000000000}`

func BenchmarkEncoders(b *testing.B) {
	payload, dst := []byte(tick), make([]byte, 0, 4096)
	for _, bc := range encoders(payload) {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst = bc.append(dst[:0])
			}
		})
	}
}

func TestEncodersAllocs(t *testing.T) {
	dst := make([]byte, 0, 4096)
	for _, payload := range []string{tick, "two\nlines", "\xff\x00 binary", ""} {
		for _, bc := range encoders([]byte(payload)) {
			zeroAllocs(t, fmt.Sprintf("%s of %q", bc.name, payload), func() { dst = bc.append(dst[:0]) })
		}
	}
}

type encoder struct {
	name   string
	append func(dst []byte) []byte
}

func encoders(payload []byte) []encoder {
	request := &ClientRequest{Host: "127.0.0.1:8080", Target: "/ws", Protocol: Subprotocol, LastEventID: "e-1"}
	return []encoder{
		{"AppendMessage", func(dst []byte) []byte { return AppendMessage(dst, payload) }},
		{"AppendFragment", func(dst []byte) []byte { return AppendFragment(dst, OpText, false, payload) }},
		{"AppendMaskedFrame", func(dst []byte) []byte { return AppendMaskedFrame(dst, OpText, payload, testKey) }},
		{"AppendPing", func(dst []byte) []byte { return AppendPing(dst, payload) }},
		{"AppendPong", func(dst []byte) []byte { return AppendPong(dst, payload) }},
		{"AppendCloseFrame", func(dst []byte) []byte { return AppendCloseFrame(dst, CloseNormal, "bye") }},
		{"AppendCloseRetry", func(dst []byte) []byte { return AppendCloseRetry(dst, CloseRestart, 1500e6) }},
		{"AppendSSEEvent", func(dst []byte) []byte { return AppendSSEEvent(dst, "5f3a-42", "tick", payload) }},
		{"AppendSSEComment", func(dst []byte) []byte { return AppendSSEComment(dst, "") }},
		{"AppendSSERetry", func(dst []byte) []byte { return AppendSSERetry(dst, 3e9) }},
		{"AppendSSEGap", func(dst []byte) []byte { return AppendSSEGap(dst, "price.ACME", "5f3a-1", "5f3a-42") }},
		{"AppendSSEHead", func(dst []byte) []byte { return AppendSSEHead(dst, CORS{Origin: "*"}) }},
		{"AppendHTTPError", func(dst []byte) []byte { return AppendHTTPError(dst, errHost) }},
		{"AppendHandshake", func(dst []byte) []byte { return AppendHandshake(dst, request, [16]byte{}) }},
		{"AppendClientRequest", func(dst []byte) []byte { return AppendClientRequest(dst, request) }},
	}
}
