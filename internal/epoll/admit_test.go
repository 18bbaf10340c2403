package epoll

import (
	"net/netip"
	"testing"
)

// TestAdmit: whom the handler does not want gets its answer, clean to the end, and is never heard of again; its place is free at once, and what
// Admit puts into the state of the others is there at OnOpen.
func TestAdmit(t *testing.T) {
	const answer = "HTTP/1.1 429 Too Many Requests\r\n\r\n"
	asked := 0
	n := serve(t, Config{MaxConns: 1}, &hooks{
		decide: func(_ *loop, c *conn) []byte {
			if asked++; asked%3 != 0 {
				return []byte(answer)
			}
			c.State().id = 7
			return nil
		},
		data: echo,
	})
	for range 2 {
		c := dial(t, n.addr)
		if got := c.rest(); got != answer {
			t.Errorf("got %q, want %q", got, answer)
		}
	}
	c, conn := n.connect() // had the others been counted, there would be no room
	if got := conn.State().id; got != 7 {
		t.Errorf("state at OnOpen: got %d, want what Admit has set", got)
	}
	c.write("ping")
	c.expect("ping")
	if s := n.stats(); s.Refused(RefusedAdmission) != 2 || s.Accepted != 3 || s.Conns != 1 || len(n.ends) != 0 {
		t.Errorf("got %d refused of %d accepted, %d connections, %d told as closed, want 2, 3, 1 and 0",
			s.Refused(RefusedAdmission), s.Accepted, s.Conns, len(n.ends))
	}
}

// TestAdmitAfterARequest: the answer is not destroyed by a reset because a request was there already.
func TestAdmitAfterARequest(t *testing.T) {
	n := idle(t, Config{}, NewSlab[state](maxFD), &hooks{decide: func(*loop, *conn) []byte { return []byte("no") }})
	var err error
	if n.addr, err = n.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c := dial(t, n.addr)
	c.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n") // waits in the socket by the time it is accepted
	n.run()
	if got := c.rest(); got != "no" {
		t.Errorf("got %q, want the refusal", got)
	}
}

// TestSetPeer: the peer is whom the owner says it is.
func TestSetPeer(t *testing.T) {
	var c conn
	for _, want := range []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4711"), netip.MustParseAddrPort("[2001:db8::1]:0")} {
		c.SetPeer(want)
		if got := c.Peer(); got != want {
			t.Errorf("got peer %v, want %v", got, want)
		}
	}
}
