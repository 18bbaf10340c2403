package forwarded

import "net/netip"

// Trusted are the networks of the proxies whose word is taken. The zero value trusts nobody. Safe for concurrent use.
type Trusted []netip.Prefix

// Contains reports whether a is the address of a trusted proxy. IPv4 addresses in IPv6 form (::ffff:192.0.2.1) are IPv4 addresses.
func (t Trusted) Contains(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range t {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
