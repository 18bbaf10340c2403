package forwarded

import (
	"bytes"
	"net/netip"
)

// maxHops is how many entries of a chain are looked at, from its right end. A request passes two or three proxies; whoever sends
// thousands of entries wants the gateway to parse them.
const maxHops = 32

// Chain is the list of addresses that a request has come from, as its header fields tell it: the first client on the left, the last
// proxy but one on the right. It holds slices of what was added, so it must not be used after those bytes have changed. The zero value
// is empty and ready to use; it is reused with Reset. It must not be shared between goroutines.
type Chain struct {
	last  [maxHops][]byte // the entries on the right, as a ring
	total int
}

// Reset makes the chain empty.
func (c *Chain) Reset() { c.total = 0 }

// Empty reports whether nothing has been added.
func (c *Chain) Empty() bool { return c.total == 0 }

// add appends an entry; nil stands for one that cannot be understood.
func (c *Chain) add(entry []byte) {
	c.last[c.total%maxHops] = entry
	c.total++
}

// AddForwardedFor appends the value of an X-Forwarded-For field. Its fields are to be added in their order.
func (c *Chain) AddForwardedFor(value []byte) {
	for entry := range bytes.SplitSeq(value, []byte{','}) {
		if entry = bytes.Trim(entry, " \t"); len(entry) > 0 { // RFC 9110 §5.6.1.2: empty elements do not count
			c.add(entry)
		}
	}
}

// Client returns the address of the client: the rightmost one that no trusted proxy has, since each proxy writes on the right whom it
// was asked by, and only what trusted ones have written is true. If all are trusted, it is the leftmost. It reports false if it meets
// an entry that is no IP address before it gets there, if there are more trusted hops than anybody has, or if the chain is empty.
func (c *Chain) Client(trusted Trusted) (client netip.Addr, ok bool) {
	for i := c.total - 1; i >= max(0, c.total-maxHops); i-- {
		if client, ok = parseNode(c.last[i%maxHops]); !ok {
			return netip.Addr{}, false
		}
		if !trusted.Contains(client) {
			return client, true
		}
	}
	return client, client.IsValid() && c.total <= maxHops
}

// maxNode is the longest text that can be an address with a port: brackets, 45 bytes (RFC 4291 with IPv4 at its end), a colon and
// five digits.
const maxNode = 53

// parseNode reads an entry: an IPv4 or IPv6 address, perhaps with a port, and IPv6 then in brackets (RFC 7239 §6). Other
// identifiers that RFC 7239 knows ("unknown", "_hidden") are no addresses.
func parseNode(b []byte) (netip.Addr, bool) {
	if len(b) == 0 || len(b) > maxNode {
		return netip.Addr{}, false
	}
	host, bracketed := string(b), b[0] == '['
	switch {
	case bracketed:
		end := bytes.IndexByte(b, ']')
		if end < 0 || !validPort(b[end+1:]) {
			return netip.Addr{}, false
		}
		host = string(b[1:end])
	case bytes.Count(b, []byte{':'}) == 1:
		colon := bytes.IndexByte(b, ':')
		if !validPort(b[colon:]) {
			return netip.Addr{}, false
		}
		host = string(b[:colon])
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || bracketed && !a.Is6() {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

// validPort reports whether b is empty or a colon with up to five digits behind it. What the digits say is of no interest.
func validPort(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	return b[0] == ':' && len(b) >= 2 && len(b) <= 6 && len(bytes.Trim(b[1:], "0123456789")) == 0
}
