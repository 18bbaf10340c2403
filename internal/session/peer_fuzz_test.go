package session

import (
	"net/netip"
	"testing"

	"tickgate/internal/forwarded"
	"tickgate/internal/hub"
)

// FuzzProxied sends what a trusted proxy may send, in one piece and cut at any places. Both come to the same end, and whomever the
// connections were counted for, nothing is left of them.
func FuzzProxied(f *testing.F) {
	seeds := []string{
		headerV1 + request("/sse"), headerV2 + request("/ws", upgrade...), localV2 + request("/nope"), localV2, headerV1,
		headerV2 + headerV2 + request("/sse"), request("/sse"), "PROXY UNKNOWN\r\n" + "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"PROXY TCP4 127.0.0.9 10.0.0.1 1 2\r\n" + request("/sse", "X-Forwarded-For: 192.0.2.9, 127.0.0.8"),
		"PROXY TCP4 127.0.0.9 10.0.0.1 1 2\r\n" + request("/sse", "X-Forwarded-For: _", "X-Forwarded-For: [::1"),
		v2Sign + "\x21\x11\xff\xff", v2Sign + "\x21\x31\x00\xd8" + text(216) + request("/sse"), "PROX", "\r\n\r\n", "",
	}
	for i, s := range seeds {
		f.Add([]byte(s), []byte{byte(i), 0, 11, 2})
	}
	books := newLedger(plenty, plenty)
	g := serve(f, Config{
		Addresses: books, MaxInboundRate: 1000, MaxInboundBytes: 1 << 20,
		Proxies: Proxies{Protocol: true, Trusted: forwarded.Trusted{netip.MustParsePrefix("127.0.0.0/8")}},
	}, hub.TopicConfig{})
	f.Cleanup(func() { g.t = f })
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		if len(stream) > 16<<10 || len(cuts) > 8 {
			t.Skip("more than it is worth")
		}
		g.t = t
		whole := outcome(g.exchange(string(stream)))
		if got := outcome(g.exchange(cut(string(stream), cuts)...)); got != whole {
			t.Errorf("%q cut at %v: got %s, want %s", stream, cuts, got, whole)
		}
		g.checkBooks()
		g.do(func() {
			for addr, n := range books.open {
				if n != 0 {
					t.Errorf("%v: got %d connections in the books, want none left", addr, n)
				}
			}
			clear(books.open)
			clear(books.total)
			books.of = books.of[:0]
		})
	})
}
