package session

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"tickgate/internal/hub"
)

// deflating are the fields of a handshake that offers compression, as a browser does.
func deflating(fields ...string) []string {
	return append([]string{"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"}, fields...)
}

// restored reads a compressed frame and returns what it restores to.
func (c *client) restored() string {
	c.t.Helper()
	h, err := ws.ReadHeader(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	packed := make([]byte, h.Length)
	if _, err := io.ReadFull(c.r, packed); err != nil {
		c.t.Fatal(err)
	}
	f, err := wsflate.DecompressFrame(ws.Frame{Header: h, Payload: packed})
	if err != nil || !h.Fin || h.Masked || h.Rsv != ws.Rsv(true, false, false) {
		c.t.Fatalf("got header %+v, %v, want a compressed frame", h, err)
	}
	return string(f.Payload)
}

// packedFrame returns a compressed message as a client sends it.
func packedFrame(t *testing.T, op ws.OpCode, message string) string {
	t.Helper()
	f, err := wsflate.CompressFrame(ws.NewFrame(op, true, []byte(message)))
	if err != nil {
		t.Fatal(err)
	}
	return string(ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{0x12, 0x9a, 0x00, 0xf1})))
}

// TestCompression: who agrees on it gets compressed frames, in raw mode and in envelopes, beside those who do not; short ones stay as they are.
func TestCompression(t *testing.T) {
	g := serve(t, Config{Compress: true}, hub.TopicConfig{Policy: hub.All})
	target := "/ws?topic=ticks"
	plain := g.ws(target)
	packed := g.dial().open(request(target, deflating(upgrade...)...), http.StatusSwitchingProtocols)
	envelope := g.dial().open(request(target, deflating(offering("tickgate.v1")...)...), http.StatusSwitchingProtocols)
	g.subscribed(3)
	for _, payload := range []string{strings.Repeat(`{"price":101.25}`, 100), strings.Repeat(`{"price":101.25}`, 100)} { // nothing is kept in between
		g.publish(payload)
		plain.expect(ws.OpText, payload)
		if got := packed.restored(); got != payload {
			t.Errorf("raw: got %.100q", got)
		}
		if got, want := envelope.restored(), msg("ticks", int(g.seq), `"`+strings.ReplaceAll(payload, `"`, `\"`)+`"`); got != want {
			t.Errorf("envelope: got %.100q, want %.100q", got, want)
		}
	}
	g.publish("short")
	packed.expect(ws.OpText, "short")
}

// TestCompressionIsOptional: without Config.Compress, and on /echo, nothing is agreed on, and the bit of compression is a fault.
func TestCompressionIsOptional(t *testing.T) {
	for _, tt := range []struct {
		cfg    Config
		target string
	}{
		{Config{}, "/ws"}, {Config{Compress: true, Echo: true}, "/echo"},
	} {
		g := serve(t, tt.cfg, hub.TopicConfig{})
		c := g.dial()
		c.write(request(tt.target, deflating(upgrade...)...))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != "" {
			t.Errorf("%s: got extensions %q, want none", tt.target, got)
		}
		c.write(packedFrame(t, ws.OpText, "hello"))
		if code, _ := c.closeFrame(); code != 1002 {
			t.Errorf("%s: got close code %d, want 1002", tt.target, code)
		}
	}
}

// TestCompressedCommands: commands may come compressed, whole or in parts, within the limits of others.
func TestCompressedCommands(t *testing.T) {
	const limit = 1000
	g := serve(t, Config{Compress: true, MaxInbound: limit}, hub.TopicConfig{Policy: hub.All})
	open := func() *client {
		return g.dial().open(request("/ws", deflating(offering("tickgate.v1")...)...), http.StatusSwitchingProtocols)
	}
	c := open()
	c.write(packedFrame(t, ws.OpText, `{"t":"sub","ref":1,"topics":["a"]}`))
	c.hears(`{"t":"ok","ref":1,"topics":1,"id":"e-0"}`)
	whole, err := wsflate.DefaultHelper.Compress([]byte(`{"t":"sub","ref":2,"topics":["b"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range [][]byte{whole[:5], whole[5:]} {
		f := ws.NewFrame([]ws.OpCode{ws.OpText, ws.OpContinuation}[i], i == 1, bytes.Clone(part))
		f.Header.Rsv = ws.Rsv(i == 0, false, false)
		c.write(string(ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{1, 2, 3, 4}))))
	}
	c.hears(`{"t":"ok","ref":2,"topics":2,"id":"e-0"}`)

	for _, tt := range []struct {
		name, frame string
		code        uint16
	}{
		{"restores to too much", packedFrame(t, ws.OpText, strings.Repeat(" ", limit+1)), 1009},
		{"restores to other than UTF-8", packedFrame(t, ws.OpText, "\xff\xff\xff"), 1007},
		{"is not compressed at all", string([]byte{0xc1, 0x83, 0, 0, 0, 0, 0xff, 0xff, 0xff}), 1007},
		{"binary", packedFrame(t, ws.OpBinary, "{}"), 1003},
	} {
		c := open()
		c.write(tt.frame)
		if code, _ := c.closeFrame(); code != tt.code {
			t.Errorf("%s: got close code %d, want %d", tt.name, code, tt.code)
		}
	}
}

// TestCompressedCommandsCountInFull: a client has its bytes a second of what its commands restore to, or a few of them on the wire would
// keep the loop busy.
func TestCompressedCommandsCountInFull(t *testing.T) {
	const limit = 4 << 10
	g := serve(t, Config{Compress: true, MaxInbound: limit, MaxInboundBytes: 1}, hub.TopicConfig{})
	c := g.dial().open(request("/ws", deflating(offering("tickgate.v1")...)...), http.StatusSwitchingProtocols)
	command := `{"t":"unsub","ref":1,"topics":["a"]` + strings.Repeat(" ", limit-100) + "}"
	c.write(packedFrame(t, ws.OpText, command))
	c.hears(`{"t":"ok","ref":1,"topics":0}`)
	c.write(packedFrame(t, ws.OpText, command))
	if code, reason := c.closeFrame(); code != 1008 || !strings.HasPrefix(reason, "inbound bytes") {
		t.Errorf("a second of %d bytes: got close code %d, %q, want 1008, inbound bytes", len(command), code, reason)
	}
	g.closed(InboundBytes, 1)
}
