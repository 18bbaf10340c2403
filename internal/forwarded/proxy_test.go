package forwarded

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

// v2 returns a header of version 2 with a family, an address block and TLVs.
func v2(command, family byte, rest string) string {
	return string(proxyproto.SIGV2) + string([]byte{command, family, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

const (
	v4Block = "\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x01\xbb" // 192.0.2.1:4711 to 10.0.0.1:443
	v6Block = " \x01\r\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + " \x01\r\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\x12\x67\x01\xbb"
	tlvs    = "\x01\x00\x02h2\x04\x00\x03\x00\x00\x00"
)

var headers = []struct {
	name, header string
	client       string // "" if not known
	local        bool
	err          error
}{
	{name: "v1", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n", client: "192.0.2.1:4711"},
	{name: "v1 with IPv6", header: "PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", client: "[2001:db8::1]:4711"},
	{name: "v1 health check", header: "PROXY UNKNOWN\r\n", local: true},
	{name: "v1 UNKNOWN with addresses", header: "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", local: true},
	{name: "v1 longest", header: "PROXY UNKNOWN " + strings.Repeat("f", maxV1-16) + "\r\n", local: true},
	{name: "v1 too long", header: "PROXY UNKNOWN " + strings.Repeat("f", maxV1-15) + "\r\n", err: ErrMalformed},
	{name: "v1 without CR", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\n", err: ErrMalformed},
	{name: "v1 of another family", header: "PROXY TCP4 2001:db8::1 2001:db8::2 4711 443\r\n", err: ErrMalformed},
	{name: "v1 unknown protocol", header: "PROXY UDP4 192.0.2.1 10.0.0.1 4711 443\r\n", err: ErrMalformed},
	{name: "v1 port", header: "PROXY TCP4 192.0.2.1 10.0.0.1 65536 443\r\n", err: ErrMalformed},
	{name: "v1 more fields", header: "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443 1\r\n", err: ErrMalformed},
	{name: "v1 other word", header: "PROXYX TCP4 192.0.2.1 10.0.0.1 4711 443\r\n", err: ErrMalformed},
	{name: "v2", header: v2(0x21, 0x11, v4Block), client: "192.0.2.1:4711"},
	{name: "v2 with TLVs", header: v2(0x21, 0x11, v4Block+tlvs), client: "192.0.2.1:4711"},
	{name: "v2 with IPv6", header: v2(0x21, 0x21, v6Block+tlvs), client: "[2001:db8::1]:4711"},
	{name: "v2 UDP", header: v2(0x21, 0x12, v4Block), client: "192.0.2.1:4711"},
	{name: "v2 over a Unix socket", header: v2(0x21, 0x31, strings.Repeat("x", 216))},
	{name: "v2 health check", header: v2(0x20, 0x00, ""), local: true},
	{name: "v2 health check with addresses", header: v2(0x20, 0x11, v4Block), local: true},
	{name: "v2 health check with TLVs", header: v2(0x20, 0x00, tlvs), local: true},
	{name: "v2 longest", header: v2(0x21, 0x11, v4Block+strings.Repeat("\x00", 4096-len(v4Block))), client: "192.0.2.1:4711"},
	{name: "v2 too long", header: v2(0x21, 0x11, v4Block+strings.Repeat("\x00", 4097-len(v4Block))), err: ErrMalformed},
	{name: "v2 too short for its family", header: v2(0x21, 0x21, v4Block), err: ErrMalformed},
	{name: "v2 unknown version", header: v2(0x31, 0x11, v4Block), err: ErrMalformed},
	{name: "v2 unknown command", header: v2(0x22, 0x11, v4Block), err: ErrMalformed},
	{name: "v2 unknown family", header: v2(0x21, 0x41, v4Block), err: ErrMalformed},
	{name: "v2 without family", header: v2(0x21, 0x00, ""), err: ErrMalformed},
	{name: "a request", header: "GET / HTTP/1.1\r\n", err: ErrMissing},
	{name: "nearly v1", header: "PROPFIND / HTTP/1.1\r\n", err: ErrMissing},
	{name: "nearly v2", header: "\r\n\r\nGET / HTTP/1.1\r\n", err: ErrMissing},
}

// TestParse feeds every header whole, with what comes behind it, and byte by byte.
func TestParse(t *testing.T) {
	const behind = "GET /sse HTTP/1.1\r\n"
	for _, h := range headers {
		t.Run(h.name, func(t *testing.T) {
			var p Parser
			o, n, err := p.Parse([]byte(h.header + behind))
			if !errors.Is(err, h.err) || (err == nil) != (h.err == nil) {
				t.Fatalf("got error %v, want %v", err, h.err)
			}
			for end := range len(h.header) {
				part, used, early := p.Parse([]byte(h.header[:end]))
				if used != 0 || part != (Origin{}) {
					t.Fatalf("after %d bytes: got %+v of %d bytes, want none yet", end, part, used)
				}
				if early != nil && !errors.Is(early, h.err) || early != nil && h.err == nil {
					t.Fatalf("after %d bytes: got error %v, want %v", end, early, h.err)
				}
			}
			if err != nil {
				return
			}
			var client netip.AddrPort
			if h.client != "" {
				client = netip.MustParseAddrPort(h.client)
			}
			if want := (Origin{Client: client, Local: h.local}); o != want || n != len(h.header) {
				t.Errorf("got %+v of %d bytes, want %+v of %d", o, n, want, len(h.header))
			}
		})
	}
}

// FuzzParse: nothing that a proxy sends leads to a panic or to more bytes than there are, and the same bytes mean the same in pieces.
// What the library writes is read as it was meant.
func FuzzParse(f *testing.F) {
	for _, h := range headers {
		f.Add([]byte(h.header))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Parser
		o, n, err := p.Parse(b)
		if n < 0 || n > len(b) || n > MaxHeader || err != nil && n != 0 {
			t.Fatalf("got %d of %d bytes with error %v", n, len(b), err)
		}
		if n == 0 {
			if err == nil && len(b) >= MaxHeader {
				t.Fatalf("got no answer to %d bytes, want one after %d at the latest", len(b), MaxHeader)
			}
			return
		}
		if !bytes.HasPrefix(b, proxyproto.SIGV1) && !bytes.HasPrefix(b, proxyproto.SIGV2) {
			t.Fatalf("got a header in %q", b)
		}
		if again, m, err := p.Parse(b[:n]); err != nil || m != n || again != o {
			t.Errorf("without what is behind: got %+v, %d bytes, %v, want %+v, %d bytes", again, m, err, o, n)
		}
		for end := range n {
			if _, m, err := p.Parse(b[:end]); m != 0 || err != nil {
				t.Fatalf("%d of %d bytes: got %d, %v, want to wait for more", end, n, m, err)
			}
		}
	})
}

// FuzzRoundTrip: what a proxy with this library announces is what is read.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, uint16(4711), false)
	f.Add([]byte(net.ParseIP("2001:db8::1").To16()), uint16(0), true)
	f.Fuzz(func(t *testing.T, ip []byte, port uint16, second bool) {
		addr, ok := netip.AddrFromSlice(ip)
		if !ok {
			t.Skip("no address")
		}
		version := byte(1)
		if second {
			version = 2
		}
		to := &net.TCPAddr{IP: net.IP(addr.AsSlice()), Port: 443}
		b, err := proxyproto.HeaderProxyFromAddrs(version, &net.TCPAddr{IP: ip, Port: int(port)}, to).Format()
		if err != nil {
			t.Fatal(err)
		}
		var p Parser
		o, n, err := p.Parse(b)
		if want := netip.AddrPortFrom(addr.Unmap(), port); err != nil || n != len(b) || o.Client != want {
			t.Errorf("got %+v, %d bytes, %v, want %v, %d bytes", o, n, err, want, len(b))
		}
	})
}
