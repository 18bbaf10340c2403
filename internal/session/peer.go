package session

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"tickgate/internal/forwarded"
	"tickgate/internal/wire"
)

// Addresses bounds the connections of each address. It is called by several loops at once.
type Addresses interface {
	// Connects notes that an address connects and returns 0, or how long it has to wait because it has done so too often.
	Connects(netip.Addr) (wait time.Duration)
	// Take counts a connection in and returns what to give to Return, 0 if it is not counted; or false if the address has as many as
	// it may.
	Take(netip.Addr) (ticket uint32, ok bool)
	// Return counts a connection out that Take has counted in.
	Return(ticket uint32)
}

// Proxies says who may connect for others, and how they tell for whom.
type Proxies struct {
	// Trusted are the networks of the proxies. Of all others nothing is believed. Default none.
	Trusted forwarded.Trusted
	// Protocol says that the trusted ones begin every connection with a PROXY header; one without is refused.
	Protocol bool
	// RFC7239 says that they add to the field Forwarded (RFC 7239) and not to X-Forwarded-For. Only that one is read: what a proxy does
	// not write itself, it passes on as the client has sent it.
	RFC7239 bool
}

// arrival is how far a connection has come towards its request, and what is not known yet of who it is from.
type arrival uint8

const (
	begun       arrival = 1 << iota // a part of the request head, or of what comes before it, is there
	awaitsProxy                     // a proxy will say whom it is from with its PROXY header
	awaitsHead                      // a proxy will say so in the request head
)

// What a client is refused with for its address, or a proxy for its header.
var (
	errProxyHeader   = &wire.HTTPError{Status: http.StatusBadRequest, Code: "bad_proxy_header", Message: "a malformed PROXY header"}
	errNoProxyHeader = &wire.HTTPError{Status: http.StatusBadRequest, Code: "no_proxy_header", Message: "this address is a proxy's, and its connections have to begin with a PROXY header"}
	errStrayHeader   = &wire.HTTPError{Status: http.StatusBadRequest, Code: "unexpected_proxy_header", Message: "a PROXY header is not expected from this address, or not here"}
)

// tooMany refuses a client whose address has as many connections as it may.
func (l *Loop) tooMany() *wire.HTTPError {
	return &wire.HTTPError{
		Status: http.StatusTooManyRequests, Code: "too_many_from_address", Message: "too many connections from your address",
		RetryAfter: l.jitter(retryLeast, retrySpread),
	}
}

// tooFast refuses a client whose address may connect again after wait.
func (l *Loop) tooFast(wait time.Duration) *wire.HTTPError {
	return &wire.HTTPError{
		Status: http.StatusTooManyRequests, Code: "connecting_too_fast", Message: "too many connects from your address in a short time",
		RetryAfter: l.jitter(max(wait, retryLeast), retrySpread),
	}
}

// Admit implements epoll.Admitter: a direct client is counted when it connects and refused before it has sent anything; a proxy's
// is later.
func (l *Loop) Admit(c *conn) (refusal []byte) {
	if l.cfg.Proxies.Trusted.Contains(c.Peer().Addr()) {
		c.State().arrival = awaitsHead
		if l.cfg.Proxies.Protocol {
			c.State().arrival = awaitsProxy
		}
		return nil
	}
	if err := l.count(c); err != nil {
		l.counters.Refused[err.Code]++
		l.out = wire.AppendHTTPError(l.out[:0], l.unread(err))
		return l.out
	}
	return nil
}

// count counts a connection for its address, or returns why it has to go.
func (l *Loop) count(c *conn) *wire.HTTPError {
	if l.cfg.Addresses == nil {
		return nil
	}
	addr := c.Peer().Addr()
	if wait := l.cfg.Addresses.Connects(addr); wait > 0 {
		return l.tooFast(wait)
	}
	ticket, ok := l.cfg.Addresses.Take(addr)
	if !ok {
		return l.tooMany()
	}
	c.State().ticket = ticket
	return nil
}

// uncount gives back what count has taken.
func (l *Loop) uncount(s *State) {
	if s.ticket != 0 {
		l.cfg.Addresses.Return(s.ticket)
		s.ticket = 0
	}
}

// onProxyHeader reads what a trusted proxy begins with and returns its length, 0 if it is not complete.
func (l *Loop) onProxyHeader(c *conn, b []byte) (n int, err error) {
	o, n, err := l.proxyHeader.Parse(b)
	switch {
	case errors.Is(err, forwarded.ErrMissing):
		return 0, errNoProxyHeader
	case err != nil:
		return 0, errProxyHeader
	case n == 0:
		c.State().arrival |= begun
		return 0, nil
	}
	c.State().arrival = 0
	if o.Local { // the proxy's own, such as a health check
		return n, nil
	}
	if o.Client.IsValid() {
		c.SetPeer(o.Client)
	} else {
		l.counters.BadForwarded++
	}
	if l.cfg.Proxies.Trusted.Contains(c.Peer().Addr()) { // a proxy in front of that one
		c.State().arrival = awaitsHead
		return n, nil
	}
	return n, l.identified(c)
}

// onForwarded looks in the head of a trusted proxy's request for whom it is. One that does not say so, or not in a way that can be
// understood, is counted as its own client.
func (l *Loop) onForwarded(c *conn, r *wire.Request) error {
	name, add := "X-Forwarded-For", l.chain.AddForwardedFor
	if l.cfg.Proxies.RFC7239 {
		name, add = "Forwarded", l.chain.AddForwarded
	}
	l.chain.Reset()
	r.EachHeader(name, func(value []byte) bool { add(value); return true })
	if client, ok := l.chain.Client(l.cfg.Proxies.Trusted); ok {
		c.SetPeer(netip.AddrPortFrom(client, 0))
	} else if !l.chain.Empty() {
		l.counters.BadForwarded++
	}
	return l.identified(c)
}

// identified counts a connection whose client a proxy has told.
func (l *Loop) identified(c *conn) error {
	c.State().arrival = 0
	if err := l.count(c); err != nil {
		return err
	}
	return nil
}

// behindProxy deals with bytes of which a PROXY header is the first, and with what is behind it.
func (l *Loop) behindProxy(c *conn, b []byte) int {
	n, err := l.onProxyHeader(c, b)
	switch {
	case err != nil:
		l.request = wire.Request{} // that of another connection
		l.refuse(c, err)
		return len(b)
	case n == 0 || n == len(b):
		return n
	}
	return n + l.onHead(c, b[n:])
}

// unexpected returns the error for a request that could not be parsed: another one if the bytes are a PROXY header that nobody asked for.
func (l *Loop) unexpected(b []byte, err error) error {
	if forwarded.HasHeader(b) {
		return errStrayHeader
	}
	return err
}
