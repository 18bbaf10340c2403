package forwarded

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

var proxies = Trusted{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48")}

// TestClient walks chains of X-Forwarded-For. An empty want means that nobody can be told.
func TestClient(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"nothing", nil, ""},
		{"empty", []string{""}, ""},
		{"only commas", []string{" , ,"}, ""},
		{"one client", []string{"192.0.2.1"}, "192.0.2.1"},
		{"IPv6", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"with port", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6 with port", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv4 in IPv6 form", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"through a trusted proxy", []string{"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"through two", []string{"192.0.2.1,2001:db8:f::7,\t10.0.0.2"}, "192.0.2.1"},
		{"a trusted one in IPv6 form", []string{"192.0.2.1, ::ffff:10.0.0.2"}, "192.0.2.1"},
		{"what the client wrote itself is not looked at", []string{"198.51.100.9, 192.0.2.1"}, "192.0.2.1"},
		{"garbage of the client", []string{"unknown, <script>, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"several fields are one list", []string{"198.51.100.9", "192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		{"empty elements do not count", []string{"192.0.2.1, , 10.0.0.2,"}, "192.0.2.1"},
		{"all trusted", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"garbage behind a trusted one", []string{"unknown, 10.0.0.2"}, ""},
		{"garbage at the end", []string{"192.0.2.1, _secret"}, ""},
		{"zone", []string{"fe80::1%eth0"}, ""},
		{"no port", []string{"192.0.2.1:"}, ""},
		{"port that is none", []string{"192.0.2.1:http"}, ""},
		{"long port", []string{"192.0.2.1:123456"}, ""},
		{"brackets around IPv4", []string{"[192.0.2.1]"}, ""},
		{"open bracket", []string{"[2001:db8::1"}, ""},
		{"behind the bracket", []string{"[2001:db8::1]x"}, ""},
		{"octal", []string{"192.0.2.010"}, ""},
		{"quoted", []string{`"192.0.2.1"`}, ""},
		{"very long", []string{strings.Repeat("1", 8000)}, ""},
		{"as many hops as are looked at", []string{"192.0.2.1" + strings.Repeat(",10.0.0.2", maxHops-1)}, "192.0.2.1"},
		{"more hops", []string{"192.0.2.1" + strings.Repeat(",10.0.0.2", maxHops)}, ""},
		{"more trusted hops and nothing else", []string{strings.Repeat("10.0.0.2,", maxHops+1)}, ""},
	} {
		var chain Chain
		for _, f := range c.fields {
			chain.AddForwardedFor([]byte(f))
		}
		check(t, c.name, &chain, c.want)
	}
}

// TestForwarded is the same of RFC 7239's field.
func TestForwarded(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"nothing", []string{""}, ""},
		{"one client", []string{"for=192.0.2.1"}, "192.0.2.1"},
		{"examples of RFC 7239, section 4", []string{`For="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"with more parameters", []string{"for=192.0.2.60;proto=http;by=203.0.113.43"}, "192.0.2.60"},
		{"in another order", []string{"proto=https ; by=203.0.113.43; for=192.0.2.60"}, "192.0.2.60"},
		{"two elements", []string{"for=192.0.2.43, for=198.51.100.17"}, "198.51.100.17"},
		{"through a trusted proxy", []string{`for=192.0.2.43, for="10.0.0.2:80";secret=x`}, "192.0.2.43"},
		{"several fields", []string{"for=192.0.2.43", "for=10.0.0.2"}, "192.0.2.43"},
		{"unquoted brackets", []string{"for=[2001:db8::1]:80"}, "2001:db8::1"},
		{"empty elements", []string{", for=192.0.2.43, ,"}, "192.0.2.43"},
		{"empty pairs", []string{";for=192.0.2.43;;"}, "192.0.2.43"},
		{"unknown", []string{"for=unknown"}, ""},
		{"hidden", []string{`for="_gazonk"`}, ""},
		{"no for", []string{"proto=https"}, ""},
		{"no for in the last element", []string{"for=192.0.2.43, by=10.0.0.2"}, ""},
		{"twice", []string{"for=192.0.2.43;for=192.0.2.44"}, ""},
		{"no value", []string{"for="}, ""},
		{"no name", []string{"=192.0.2.43"}, ""},
		{"no equals sign", []string{"192.0.2.43"}, ""},
		{"space around the equals sign", []string{"for =192.0.2.43"}, ""},
		{"two values", []string{"for=192.0.2.43 192.0.2.44"}, ""},
		{"escape", []string{`for="192.0.2.\43"`}, ""},
		{"escape at the end", []string{`for="192.0.2.43\`}, ""},
		{"a quote that the client opened swallows the proxy's element", []string{`for="192.0.2.1, for=192.0.2.2`}, ""},
		{"and one that the proxy's closes", []string{`for="192.0.2.1, for="[2001:db8::1]"`}, ""},
		{"in a field of its own it harms nobody", []string{`for="192.0.2.1`, "for=192.0.2.2"}, "192.0.2.2"},
		{"quoted commas and semicolons", []string{`x="a,b;for=1.1.1.1\"";for=192.0.2.43`}, "192.0.2.43"},
	} {
		var chain Chain
		for _, f := range c.fields {
			chain.AddForwarded([]byte(f))
		}
		check(t, c.name, &chain, c.want)
	}
}

func check(t *testing.T, name string, chain *Chain, want string) {
	t.Helper()
	got, ok := chain.Client(proxies)
	if ok != (want != "") || ok && got != netip.MustParseAddr(want) {
		t.Errorf("%s: got %v %t, want %q", name, got, ok, want)
	}
}

// TestReset: a chain that is used again has nothing of the request before.
func TestReset(t *testing.T) {
	var chain Chain
	chain.AddForwardedFor([]byte("192.0.2.1"))
	chain.Reset()
	if !chain.Empty() {
		t.Error("got a chain that is not empty after Reset")
	}
	check(t, "after Reset", &chain, "")
}

// FuzzChain: whatever a client has written, what a trusted proxy appends to it is what counts, be it in the same field or in one of its
// own; or nobody can be told. A client must never choose its address.
func FuzzChain(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", `for="1.2.3.4`, `for=1.2.3.4;for=2.3.4.5`, "for=1.2.3.4, ", `\`, `x="`, "[", "10.0.0.1", "a=b;"} {
		f.Add(seed)
	}
	appended := netip.MustParseAddr("192.0.2.77")
	f.Fuzz(func(t *testing.T, written string) {
		for _, own := range []bool{false, true} {
			for name, add := range map[string]func(*Chain){
				fmt.Sprintf("X-Forwarded-For, own field %t", own): func(c *Chain) {
					appendTo(c.AddForwardedFor, written, appended.String(), own)
				},
				fmt.Sprintf("Forwarded, own field %t", own): func(c *Chain) {
					appendTo(c.AddForwarded, written, "for="+appended.String(), own)
				},
			} {
				var c Chain
				add(&c)
				got, ok := c.Client(proxies)
				if ok && got != appended {
					t.Errorf("%s: got client %v of %q, want %v or nobody", name, got, written, appended)
				}
				if own && !ok {
					t.Errorf("%s: got nobody of %q, want %v", name, written, appended)
				}
			}
		}
	})
}

func appendTo(add func([]byte), written, appended string, own bool) {
	if own {
		add([]byte(written))
		add([]byte(appended))
		return
	}
	add([]byte(written + ", " + appended))
}
