package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dialFrom opens a TCP connection from an address of this machine.
func dialFrom(from, to string) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 30 * time.Second}
	conn, err := d.Dial("tcp", to)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// subscribeFrom asks for an event stream and returns the connection if it has begun; the status is 0 if the connection ended without an
// answer, as one may that is refused before it has asked.
func subscribeFrom(t *testing.T, from, to, before string, fields ...string) (stream *net.TCPConn, status int) {
	t.Helper()
	conn, err := dialFrom(from, to)
	if err != nil {
		return nil, 0
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = fmt.Fprintf(conn, "%sGET /sse HTTP/1.1\r\nHost: x\r\n%s\r\n", before, strings.Join(append(fields, ""), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, 0
	}
	if resp.StatusCode != http.StatusOK {
		_ = conn.Close()
		return nil, resp.StatusCode
	}
	return conn, resp.StatusCode
}

// over reports whether a stream has ended. It takes in what has come meanwhile.
func over(conn *net.TCPConn) bool {
	b := make([]byte, 64<<10)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err := conn.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
		if err != nil {
			return true
		}
	}
}

// crowd is the open streams of one address.
type crowd struct {
	t       *testing.T
	from    string
	to      string
	streams []*net.TCPConn
}

// try makes n more connections and keeps those that are served.
func (c *crowd) try(n int) {
	c.t.Helper()
	for range n {
		if conn, status := subscribeFrom(c.t, c.from, c.to, ""); status == http.StatusOK {
			c.streams = append(c.streams, conn)
		} else if status != 0 && status != http.StatusTooManyRequests {
			c.t.Fatalf("%s: got status %d, want 200 or 429", c.from, status)
		}
	}
}

// living forgets streams that have ended and returns how many are left.
func (c *crowd) living() int {
	c.streams = slices.DeleteFunc(c.streams, over)
	return len(c.streams)
}

// TestAddressesOverWorkers: three workers together let one address have as many connections as it may and not one more, however the kernel spreads
// them; another address has as many; and what a killed worker held is given back, no less and no more.
func TestAddressesOverWorkers(t *testing.T) {
	t.Parallel()
	const most = 15
	g := startGateway(t, setup{flags: map[string]string{
		"workers": "3", "loops": "1", "feed": "none", "max-conns-per-addr": strconv.Itoa(most), "heartbeat": "1s",
	}})
	crowds := []*crowd{{t: t, from: "127.0.0.2", to: g.Addr}, {t: t, from: "127.0.0.3", to: g.Addr}}
	for _, c := range crowds {
		c.try(3 * most)
		if got := c.living(); got != most {
			t.Fatalf("%s: got %d of %d connections served, want %d", c.from, got, 3*most, most)
		}
	}
	silent, err := dialFrom("127.0.0.2", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAnswer(silent, http.MethodGet)
	_ = silent.Close()
	if err != nil || got.status != http.StatusTooManyRequests || !strings.Contains(got.body, `"too_many_from_address"`) || got.header.Get("Retry-After") == "" {
		t.Errorf("one more: got %+v, %v, want 429 too_many_from_address and Retry-After", got, err)
	}
	if n := sum(g.scrape(t), "tickgate_refusals_total", `reason="too_many_from_address"`); n < 1 {
		t.Errorf("got %v refusals counted, want some", n)
	}

	before := g.workers()
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "another worker in its place", func() bool {
		now := g.workers()
		return len(now) == 3 && !slices.Contains(now, before[0])
	})
	for _, c := range crowds {
		eventually(t, 60*time.Second, "as many connections as before", func() bool { c.try(most); return c.living() == most })
		c.try(2 * most)
		if got := c.living(); got > most {
			t.Errorf("%s, after a worker was replaced: got %d connections, want at most %d", c.from, got, most)
		}
	}
	_ = crowds[0].streams[0].Close()
	eventually(t, 60*time.Second, "room for one that has gone", func() bool { crowds[0].try(1); return crowds[0].living() == most })
}

// TestConnectRateOverWorkers: the burst of an address is one for all workers.
func TestConnectRateOverWorkers(t *testing.T) {
	t.Parallel()
	const burst = 12
	g := startGateway(t, setup{flags: map[string]string{
		"workers": "3", "loops": "1", "feed": "none", "connect-rate-per-addr": "1/s", "connect-burst-per-addr": strconv.Itoa(burst),
	}})
	begin := time.Now()
	served := 0
	for range 4 * burst {
		if _, status := subscribeFrom(t, "127.0.0.2", g.Addr, ""); status == http.StatusOK {
			served++
		}
	}
	if most := burst + int(time.Since(begin)/time.Second) + 1; served < burst || served > most {
		t.Errorf("got %d of %d connects within %v, want %d to %d", served, 4*burst, time.Since(begin), burst, most)
	}
	if _, status := subscribeFrom(t, "127.0.0.3", g.Addr, ""); status != http.StatusOK {
		t.Errorf("another address: got status %d, want 200", status)
	}
}

// TestBehindProxies: clients of trusted proxies have their own bounds, by header and by PROXY protocol, a stranger's words count for nothing, and health checks
// pass while everybody else is refused.
func TestBehindProxies(t *testing.T) {
	t.Parallel()
	const proxy, stranger = "127.0.0.2", "127.0.0.3"
	local := "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	v1 := func(client string) string { return "PROXY TCP4 " + client + " 10.0.0.1 4711 443\r\n" }
	type try struct {
		name, from, before string
		fields             []string
		status             int
	}
	for _, c := range []struct {
		name  string
		flags map[string]string
		tries []try
	}{
		{"X-Forwarded-For", map[string]string{}, []try{
			{"a client", proxy, "", []string{"X-Forwarded-For: 192.0.2.1"}, 200},
			{"again", proxy, "", []string{"X-Forwarded-For: 203.0.113.9, 192.0.2.1, 127.0.0.2"}, 429},
			{"another", proxy, "", []string{"X-Forwarded-For: 192.0.2.2"}, 200},
			{"a stranger as the first", stranger, "", []string{"X-Forwarded-For: 192.0.2.3"}, 200},
			{"whom it named", proxy, "", []string{"X-Forwarded-For: 192.0.2.3"}, 200},
		}},
		{"Forwarded", map[string]string{"forwarded-header": "forwarded"}, []try{
			{"a client", proxy, "", []string{`Forwarded: for="[2001:db8::1]:80"`, "X-Forwarded-For: 192.0.2.7"}, 200},
			{"a neighbour in its network", proxy, "", []string{`Forwarded: for="[2001:db8::2]"`, "X-Forwarded-For: 192.0.2.8"}, 429},
			{"another network", proxy, "", []string{`Forwarded: for="[2001:db8:0:1::2]"`}, 200},
		}},
		{"PROXY protocol", map[string]string{"proxy-protocol": "true"}, []try{
			{"a client", proxy, v1("192.0.2.1"), nil, 200},
			{"again", proxy, v1("192.0.2.1"), nil, 429},
			{"another", proxy, v1("192.0.2.2"), nil, 200},
			{"no header", proxy, "", nil, 400},
			{"health check", proxy, local, nil, 200},
			{"another one", proxy, local, nil, 200},
			{"old health check", proxy, "PROXY UNKNOWN\r\n", nil, 200},
			{"a stranger with a header", stranger, v1("192.0.2.3"), nil, 400},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.flags["trusted-proxies"], c.flags["max-conns-per-addr"], c.flags["feed"] = proxy, "1", "none"
			c.flags["workers"], c.flags["loops"] = "2", "1"
			g := startGateway(t, setup{flags: c.flags})
			for _, try := range c.tries {
				if _, status := subscribeFrom(t, try.from, g.Addr, try.before, try.fields...); status != try.status {
					t.Errorf("%s: got status %d, want %d", try.name, status, try.status)
				}
			}
		})
	}
}

// TestBehindReverseProxy: Go's own reverse proxy, which appends whom it serves to X-Forwarded-For. What its clients write there themselves does not help
// them, nor does it harm others.
func TestBehindReverseProxy(t *testing.T) {
	t.Parallel()
	const proxy, client, other = "127.0.0.2", "127.0.0.5", "127.0.0.6"
	g := startGateway(t, setup{flags: map[string]string{"trusted-proxies": proxy, "max-conns-per-addr": "1", "feed": "none"}})
	target, err := url.Parse("http://" + g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	reverse := httputil.NewSingleHostReverseProxy(target)
	reverse.FlushInterval = -1
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(proxy)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	reverse.Transport = transport
	front := httptest.NewServer(reverse)
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	to := front.Listener.Addr().String()
	for _, try := range []struct {
		name, from string
		fields     []string
		status     int
	}{
		{"a client", client, nil, 200},
		{"the same once more", client, nil, 429},
		{"the same under another name", client, []string{"X-Forwarded-For: " + other}, 429},
		{"the same as a proxy", client, []string{"X-Forwarded-For: 192.0.2.1, " + proxy}, 429},
		{"the one that it named", other, nil, 200},
	} {
		if _, status := subscribeFrom(t, try.from, to, "", try.fields...); status != try.status {
			t.Errorf("%s: got status %d, want %d", try.name, status, try.status)
		}
	}
}

// TestFlood: a client that sends more than anybody has to is closed with 1008 and a reason that names the limit, by default.
func TestFlood(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed": "none"}})
	conn := dialRaw(t, g.Addr)
	write(t, conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %+v, %v, want 101", resp, err)
	}
	const pongs = 10_000 // of 6 bytes; a pong is not answered, so that what comes back is the close frame
	write(t, conn, strings.Repeat("\x8a\x80\x00\x00\x00\x00", pongs))
	const want = "\x88\x2f\x03\xf0inbound rate: more than 100 messages a second" // close, 47 bytes, 1008
	frame := make([]byte, len(want))
	if _, err := io.ReadFull(in, frame); err != nil || string(frame) != want {
		t.Errorf("got %q, %v, want %q", frame, err, want)
	}
	_ = conn.Close()
	eventually(t, 30*time.Second, "the close in the metrics", func() bool {
		return sum(g.scrape(t), "tickgate_closes_total", `reason="inbound_rate"`) == 1
	})
}
