package session

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"tickgate/internal/epoll"
	"tickgate/internal/forwarded"
	"tickgate/internal/hub"
)

// ledger is a session.Addresses that tests can look into. It must be used by one loop only, and looked into on that loop.
type ledger struct {
	most  int // connections of an address
	swift int // connects of an address, ever
	open  map[netip.Addr]int
	total map[netip.Addr]int
	of    []netip.Addr // by ticket - 1
}

func newLedger(most, swift int) *ledger {
	return &ledger{most: most, swift: swift, open: map[netip.Addr]int{}, total: map[netip.Addr]int{}}
}

func (d *ledger) Connects(a netip.Addr) time.Duration {
	if d.total[a]++; d.total[a] > d.swift {
		return 42 * time.Second
	}
	return 0
}

func (d *ledger) Take(a netip.Addr) (uint32, bool) {
	if d.open[a] == d.most {
		return 0, false
	}
	d.open[a]++
	d.of = append(d.of, a)
	return uint32(len(d.of)), true
}

func (d *ledger) Return(ticket uint32) { d.open[d.of[ticket-1]]-- }

const plenty = 1 << 20

// from connects from an address of this machine.
func (g *gateway) from(addr string) *client {
	g.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}, Timeout: patience}
	c, err := d.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = c.Close() })
	return newClient(g.t, c.(*net.TCPConn))
}

// holds waits until the books have n connections of an address.
func (g *gateway) holds(d *ledger, addr string, n int) {
	g.t.Helper()
	got := -1
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		g.do(func() { got = d.open[netip.MustParseAddr(addr)] })
		if got == n {
			return
		}
	}
	g.t.Fatalf("%s: got %d connections in the books, want %d", addr, got, n)
}

// TestMaxConnsPerAddress: an address has its connections and no more, others are not concerned, and what ends is given back, in whatever
// way it ends.
func TestMaxConnsPerAddress(t *testing.T) {
	books := newLedger(2, plenty)
	g := serve(t, Config{Addresses: books}, hub.TopicConfig{})
	first := g.from("127.0.0.2").open(request("/sse"), http.StatusOK)
	g.from("127.0.0.2").open(request("/ws", upgrade...), http.StatusSwitchingProtocols)
	for range 3 {
		got := g.from("127.0.0.2").rest() // without having asked
		checkResponse(t, got, http.MethodGet, http.StatusTooManyRequests, "too_many_from_address")
		if !strings.Contains(got, "\r\nRetry-After: ") {
			t.Errorf("got %q, want Retry-After", got)
		}
	}
	g.from("127.0.0.3").open(request("/sse"), http.StatusOK)
	if s := g.snapshot(); s.Refused["too_many_from_address"] != 3 || s.Loop.Conns != 3 || s.Loop.Refused(epoll.RefusedAdmission) != 3 {
		t.Errorf("got %v refused, %d connections, want 3 and 3", s.Refused, s.Loop.Conns)
	}
	_ = first.Close()
	g.holds(books, "127.0.0.2", 1)
	checkResponse(t, g.answerTo(g.from("127.0.0.2"), request("/nope")), http.MethodGet, http.StatusNotFound, "not_found")
	g.holds(books, "127.0.0.2", 1)
}

// answerTo sends a request and returns all that comes back.
func (g *gateway) answerTo(c *client, request string) string {
	g.t.Helper()
	c.write(request)
	got := c.rest()
	_ = c.Close()
	return got
}

// TestConnectRatePerAddress: who connects too often is told when to come back.
func TestConnectRatePerAddress(t *testing.T) {
	g := serve(t, Config{Addresses: newLedger(plenty, 2)}, hub.TopicConfig{})
	for range 2 {
		g.from("127.0.0.2").open(request("/sse"), http.StatusOK)
	}
	got := g.from("127.0.0.2").rest()
	checkResponse(t, got, http.MethodGet, http.StatusTooManyRequests, "connecting_too_fast")
	var wait int
	if _, after, _ := strings.Cut(got, "\r\nRetry-After: "); true {
		if _, err := fmt.Sscanf(after, "%d\r\n", &wait); err != nil || wait < 42 || wait > 52 {
			t.Errorf("got Retry-After %d (%v) in %q, want 42 s and up to 9 s more", wait, err, got)
		}
	}
	g.from("127.0.0.3").open(request("/sse"), http.StatusOK)
}

// TestIPv6Peers: a client over IPv6 is counted under its address.
func TestIPv6Peers(t *testing.T) {
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skip("no IPv6 here")
	}
	books := newLedger(1, plenty)
	g := serve(t, Config{Addresses: books}, hub.TopicConfig{})
	g.do(func() {
		bound, err := g.epoll.Listen("[::1]:0")
		if err != nil {
			t.Error(err)
			return
		}
		g.addr = bound.String()
	})
	g.from("::1").open(request("/sse"), http.StatusOK)
	g.holds(books, "::1", 1)
	checkResponse(t, g.from("::1").rest(), http.MethodGet, http.StatusTooManyRequests, "too_many_from_address")
}

// proxied is a gateway behind proxies on 127.0.0.2 and 10.0.0.0/8.
func proxied(t *testing.T, p Proxies) (*gateway, *ledger) {
	t.Helper()
	p.Trusted = forwarded.Trusted{netip.MustParsePrefix("127.0.0.2/32"), netip.MustParsePrefix("10.0.0.0/8")}
	books := newLedger(plenty, plenty)
	return serve(t, Config{Addresses: books, Proxies: p}, hub.TopicConfig{}), books
}

// TestForwardedFor: who a client is, for every way of asking.
func TestForwardedFor(t *testing.T) {
	const proxy, direct = "127.0.0.2", "127.0.0.3"
	for _, c := range []struct {
		name   string
		via    string
		fields []string
		who    string
		bad    uint64
	}{
		{"direct", direct, nil, direct, 0},
		{"a direct client is not believed", direct, []string{"X-Forwarded-For: 192.0.2.1"}, direct, 0},
		{"through the proxy", proxy, []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1", 0},
		{"through two", proxy, []string{"X-Forwarded-For: 198.51.100.1, 192.0.2.1", "X-Forwarded-For: 10.1.1.1"}, "192.0.2.1", 0},
		{"nothing said", proxy, nil, proxy, 0},
		{"the other field", proxy, []string{"Forwarded: for=192.0.2.1"}, proxy, 0},
		{"garbage", proxy, []string{"X-Forwarded-For: unknown"}, proxy, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, books := proxied(t, Proxies{})
			g.from(c.via).open(request("/sse", c.fields...), http.StatusOK)
			g.holds(books, c.who, 1)
			g.do(func() {
				if len(books.of) != 1 || g.counters.BadForwarded != c.bad {
					t.Errorf("got %v counted, %d bad fields, want %s and %d", books.of, g.counters.BadForwarded, c.who, c.bad)
				}
			})
		})
	}
}

// TestForwardedRFC7239 reads the other field, and only that.
func TestForwardedRFC7239(t *testing.T) {
	g, books := proxied(t, Proxies{RFC7239: true})
	g.from("127.0.0.2").open(request("/sse", `Forwarded: for="[2001:db8::1]:80"`, "X-Forwarded-For: 192.0.2.1"), http.StatusOK)
	g.holds(books, "2001:db8::1", 1)
}

// TestLimitsBehindProxies: clients of a proxy have a bound each, the proxy has none, and a refusal is an answer to the request.
func TestLimitsBehindProxies(t *testing.T) {
	g, books := proxied(t, Proxies{})
	g.do(func() { books.most = 1 })
	for i := range 5 {
		g.from("127.0.0.2").open(request("/sse", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i)), http.StatusOK)
	}
	got := g.answerTo(g.from("127.0.0.2"), request("/sse", "X-Forwarded-For: 192.0.2.1"))
	checkResponse(t, got, http.MethodGet, http.StatusTooManyRequests, "too_many_from_address")
	head := strings.Replace(request("/sse", "X-Forwarded-For: 192.0.2.1"), "GET", "HEAD", 1)
	checkResponse(t, g.answerTo(g.from("127.0.0.2"), head), http.MethodHead, http.StatusTooManyRequests, "too_many_from_address")
	if s := g.snapshot(); s.Refused["too_many_from_address"] != 2 {
		t.Errorf("got %v refused, want 2", s.Refused)
	}
}

const (
	headerV1 = "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n"
	v2Sign   = "\r\n\r\n\x00\r\nQUIT\n"
	headerV2 = v2Sign + "\x21\x11\x00\x0c\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x01\xbb"
	localV2  = v2Sign + "\x20\x00\x00\x00"
)

// TestProxyHeader: a PROXY header, and the request behind it, in one piece and byte by byte.
func TestProxyHeader(t *testing.T) {
	for name, header := range map[string]string{
		"v1": headerV1, "v2": headerV2,
		"v2 with TLVs":    v2Sign + "\x21\x11\x00\x11" + headerV2[16:] + "\x01\x00\x02h2",
		"a proxy's proxy": "PROXY TCP4 10.9.9.9 10.0.0.1 4711 443\r\n", // whose request says who it is
	} {
		for _, pieces := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in pieces %t", name, pieces), func(t *testing.T) {
				g, books := proxied(t, Proxies{Protocol: true})
				c := g.from("127.0.0.2")
				ask := header + request("/sse", "X-Forwarded-For: 192.0.2.1")
				if pieces {
					if err := c.SetNoDelay(true); err != nil {
						t.Fatal(err)
					}
					for _, b := range []byte(ask[:len(ask)-1]) {
						c.write(string([]byte{b}))
						g.do(func() {}) // a read of its own, for the most part
					}
					ask = ask[len(ask)-1:]
				}
				c.open(ask, http.StatusOK)
				g.holds(books, "192.0.2.1", 1)
				g.do(func() {
					if len(books.of) != 1 {
						t.Errorf("got %v counted, want the client only", books.of)
					}
				})
			})
		}
	}
}

// TestProxyHeaderRefusals: what is refused, under which name.
func TestProxyHeaderRefusals(t *testing.T) {
	for _, c := range []struct{ name, via, sent, code string }{
		{"none from a proxy", "127.0.0.2", request("/sse"), "no_proxy_header"},
		{"malformed", "127.0.0.2", "PROXY TCP4 one two three four\r\n" + request("/sse"), "bad_proxy_header"},
		{"endless line", "127.0.0.2", "PROXY UNKNOWN " + strings.Repeat("x", 200), "bad_proxy_header"},
		{"oversize", "127.0.0.2", v2Sign + "\x21\x11\xff\xff", "bad_proxy_header"},
		{"v1 from somebody else", "127.0.0.3", headerV1 + request("/sse"), "unexpected_proxy_header"},
		{"v2 from somebody else", "127.0.0.3", headerV2 + request("/sse"), "unexpected_proxy_header"},
		{"twice", "127.0.0.2", headerV1 + headerV1 + request("/sse"), "unexpected_proxy_header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, _ := proxied(t, Proxies{Protocol: true})
			checkResponse(t, g.answerTo(g.from(c.via), c.sent), http.MethodGet, http.StatusBadRequest, c.code)
			if s := g.snapshot(); s.Refused[c.code] != 1 {
				t.Errorf("got %v refused, want one %s", s.Refused, c.code)
			}
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		g, _ := proxied(t, Proxies{})
		checkResponse(t, g.answerTo(g.from("127.0.0.2"), headerV1+request("/sse")), http.MethodGet, http.StatusBadRequest, "unexpected_proxy_header")
	})
}

// TestHealthChecks: a load balancer's own connections, with and without a request, are nobody's and not refused; direct clients need no header.
func TestHealthChecks(t *testing.T) {
	g, books := proxied(t, Proxies{Protocol: true})
	g.do(func() { books.most, books.swift = 0, 0 })
	for _, header := range []string{localV2, "PROXY UNKNOWN\r\n"} {
		for range 3 {
			got := g.answerTo(g.from("127.0.0.2"), header+"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 204 ") {
				t.Errorf("%q: got %q, want 204", header, got)
			}
		}
		c := g.from("127.0.0.2")
		c.write(header)
		g.eventually("a connection", func(s *Snapshot) bool { return s.Loop.Conns == 1 })
		_ = c.CloseWrite()
		c.end()
		g.eventually("its end", func(s *Snapshot) bool { return s.Loop.Conns == 0 })
	}
	g.do(func() {
		if len(books.total) != 0 {
			t.Errorf("got %v counted, want nobody", books.total)
		}
		books.most, books.swift = 1, 1
	})
	g.from("127.0.0.3").open(request("/sse"), http.StatusOK)
	g.holds(books, "127.0.0.3", 1)
}

// TestProxyHeaderTimeout: a proxy that says nothing ends like any silent client, one that has begun is told.
func TestProxyHeaderTimeout(t *testing.T) {
	t.Parallel()
	books := newLedger(plenty, plenty)
	g := serve(t, Config{
		Addresses: books, HeaderTimeout: 3 * time.Second, // time enough to write on a slow machine
		Proxies: Proxies{Protocol: true, Trusted: forwarded.Trusted{netip.MustParsePrefix("127.0.0.0/8")}},
	}, hub.TopicConfig{})
	silent, begun := g.dial(), g.dial()
	begun.write("PROXY TCP4 192.0.2.1")
	checkResponse(t, begun.rest(), http.MethodGet, http.StatusRequestTimeout, "header_timeout")
	silent.end()
}

// TestUnixClients: a proxy's client without an IP address is counted as the proxy's.
func TestUnixClients(t *testing.T) {
	g, books := proxied(t, Proxies{Protocol: true})
	header := v2Sign + "\x21\x31\x00\xd8" + strings.Repeat("x", 216)
	g.from("127.0.0.2").open(header+request("/sse"), http.StatusOK)
	g.holds(books, "127.0.0.2", 1)
	if s := g.snapshot(); s.BadForwarded != 1 {
		t.Errorf("got %d bad headers, want 1", s.BadForwarded)
	}
}
