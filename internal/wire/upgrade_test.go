package wire

import (
	"errors"
	"strings"
	"testing"
)

// handshakeWith returns the handshake of RFC 6455 §1.2 with some of its lines replaced; an empty line drops one.
func handshakeWith(replace ...string) string {
	head := "GET /ws HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	for i := 0; i < len(replace); i += 2 {
		line := replace[i+1]
		if line != "" {
			line += "\r\n"
		}
		head = strings.Replace(head, replace[i]+"\r\n", line, 1)
	}
	return head
}

const (
	keyLine     = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	versionLine = "Sec-WebSocket-Version: 13"
)

func TestAppendUpgrade(t *testing.T) {
	const accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	offers := func(lines ...string) string {
		return handshakeWith(versionLine, versionLine+"\r\n"+strings.Join(lines, "\r\n"))
	}
	for _, tc := range []struct {
		name, in  string
		protocols []string
		protocol  string
	}{
		{"RFC 6455", handshakeWith(), nil, ""},
		{"behind a keep-alive", handshakeWith("Connection: Upgrade", "Connection: keep-alive, upgrade"), nil, ""},
		{"extensions are not taken", offers("Sec-WebSocket-Extensions: permessage-deflate"), nil, ""},
		{"protocol not known", offers("Sec-WebSocket-Protocol: chat"), nil, ""},
		{"protocol known", offers("Sec-WebSocket-Protocol: chat, tickgate.v1"), []string{Subprotocol}, Subprotocol},
		{"the client's preference", offers("Sec-WebSocket-Protocol: b", "Sec-WebSocket-Protocol: a"), []string{"a", "b"}, "b"},
		{"protocols differ by case", offers("Sec-WebSocket-Protocol: Tickgate.V1"), []string{Subprotocol}, ""},
		{"none offered", handshakeWith(), []string{Subprotocol}, ""},
		{"a browser", browserHead, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Request
			in := []byte(tc.in + "\x81\x80frame")
			if n, err := ParseRequest(in, testLimit, &r); n != len(tc.in) || err != nil {
				t.Fatalf("got %d, %v, want the head of %d bytes", n, err, len(tc.in))
			}
			got, terms, err := AppendUpgrade([]byte("before"), &r, tc.protocols, false)
			want := "before" + accepted
			if tc.protocol != "" {
				want += "Sec-WebSocket-Protocol: " + tc.protocol + "\r\n"
			}
			if want += "\r\n"; string(got) != want || terms != (Terms{Protocol: tc.protocol}) || err != nil {
				t.Errorf("got %q, %+v, %v, want %q, %q", got, terms, err, want, tc.protocol)
			}
			if string(in) != tc.in+"\x81\x80frame" {
				t.Errorf("the input was modified to %q", in)
			}
		})
	}
}

func TestAppendUpgradeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, in     string
		status       int
		code, detail string
	}{
		{"a plain GET", "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426, "upgrade_required", ""},
		{"another upgrade", handshakeWith("Upgrade: websocket", "Upgrade: h2c"), 426, "upgrade_required", ""},
		{"HTTP/1.0", strings.Replace(handshakeWith(), "HTTP/1.1", "HTTP/1.0", 1), 426, "upgrade_required", ""},
		{"version 8", handshakeWith(versionLine, "Sec-WebSocket-Version: 8"), 426, "websocket_version", "13"},
		{"version not a number", handshakeWith(versionLine, "Sec-WebSocket-Version: 013"), 426, "websocket_version", "13"},
		{"version list", handshakeWith(versionLine, "Sec-WebSocket-Version: 13, 8"), 426, "websocket_version", "13"},
		{"no version", handshakeWith(versionLine, ""), 400, "bad_handshake", "Version"},
		{"two versions", handshakeWith(versionLine, versionLine+"\r\n"+versionLine), 400, "bad_handshake", "Version"},
		{"POST", strings.Replace(handshakeWith(), "GET", "POST", 1), 405, "method_not_allowed", "GET"},
		{"no connection", handshakeWith("Connection: Upgrade", ""), 400, "bad_handshake", "Connection"},
		{"connection without upgrade", handshakeWith("Connection: Upgrade", "Connection: close"), 400, "bad_handshake", "Connection"},
		{"no key", handshakeWith(keyLine, ""), 400, "bad_handshake", "Key"},
		{"two keys", handshakeWith(keyLine, keyLine+"\r\n"+keyLine), 400, "bad_handshake", "Key"},
		{"short key", handshakeWith(keyLine, "Sec-WebSocket-Key: dGhl"), 400, "bad_handshake", "Key"},
		{"key of 17 bytes", handshakeWith(keyLine, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="), 400, "bad_handshake", "Key"},
		{"key of 18 bytes", handshakeWith(keyLine, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA"), 400, "bad_handshake", "Key"},
		{"key not base64", handshakeWith(keyLine, "Sec-WebSocket-Key: ????????????????????????"), 400, "bad_handshake", "Key"},
		{"malformed protocols", handshakeWith(versionLine, versionLine+"\r\nSec-WebSocket-Protocol: a;b"), 400, "bad_handshake", "malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Request
			if n, err := ParseRequest([]byte(tc.in), testLimit, &r); n == 0 || err != nil {
				t.Fatalf("got %d, %v, want a complete head", n, err)
			}
			out, _, err := AppendUpgrade([]byte("before"), &r, []string{Subprotocol}, false)
			var he *HTTPError
			if !errors.As(err, &he) {
				t.Fatalf("got %q, %v, want an *HTTPError", out, err)
			}
			if he.Status != tc.status || he.Code != tc.code || !strings.Contains(he.Message+he.Allow, tc.detail) {
				t.Errorf("got %v, want %d %s … %s …", he, tc.status, tc.code, tc.detail)
			}
			if string(out) != "before" {
				t.Errorf("got %q, want dst as it was", out)
			}
		})
	}
}

// FuzzAppendUpgrade: whatever head we accept, the handshake ends in a whole 101 or a refusal, and never hangs.
func FuzzAppendUpgrade(f *testing.F) {
	f.Add([]byte(browserHead))
	f.Add([]byte(handshakeWith(versionLine, versionLine+"\r\nSec-WebSocket-Protocol: a, tickgate.v1, \"b\"")))
	f.Add([]byte(handshakeWith(versionLine, "Sec-WebSocket-Version: 8")))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Request
		if n, err := ParseRequest(in, testLimit, &r); n == 0 || err != nil {
			return
		}
		out, terms, err := AppendUpgrade(nil, &r, []string{Subprotocol}, true)
		var he *HTTPError
		if errors.As(err, &he) {
			if he.Status < 400 || he.Status == 500 || len(out) != 0 {
				t.Fatalf("%q: got %v and %q", in, he, out)
			}
			return
		}
		var resp Response
		n, err := ParseResponse(out, testLimit, &resp)
		if err != nil || n != len(out) || resp.Status != 101 || string(resp.Header("sec-websocket-protocol")) != terms.Protocol {
			t.Fatalf("%q: got %q, %+v, %v, want one 101", in, out, terms, err)
		}
	})
}

func BenchmarkAppendUpgrade(b *testing.B) {
	var r Request
	if _, err := ParseRequest([]byte(browserHead), testLimit, &r); err != nil {
		b.Fatal(err)
	}
	dst, protocols := make([]byte, 0, 512), []string{Subprotocol}
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, _, err = AppendUpgrade(dst[:0], &r, protocols, false); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAppendUpgradeAllocs(t *testing.T) {
	var r Request
	if _, err := ParseRequest([]byte(browserHead), testLimit, &r); err != nil {
		t.Fatal(err)
	}
	dst, protocols := make([]byte, 0, 512), []string{Subprotocol}
	got := testing.AllocsPerRun(100, func() { dst, _, _ = AppendUpgrade(dst[:0], &r, protocols, false) })
	if got > 2 && !raceEnabled {
		t.Errorf("got %v allocations, want at most 2, those of ws.Upgrader", got)
	}
}
