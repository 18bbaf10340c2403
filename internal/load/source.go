package load

import "net/netip"

// PortsPerSource is how many clients share one source address on loopback. The kernel's default range has 28,232
// ports per address and target; finding a free one stays fast while most of them are, and clients that come back
// leave some in TIME_WAIT.
const PortsPerSource = 4000

// loopbackBase is the first address used for loopback targets; 127.0.0.1 itself stays free for everybody else.
var loopbackBase = netip.AddrFrom4([4]byte{127, 8, 0, 1})

// Sources returns the addresses n clients connect from: those given, else as many of 127.0.0.0/8 as n clients of a
// loopback target need. None means that the kernel chooses.
func Sources(given []netip.Addr, target netip.AddrPort, n int) []netip.Addr {
	if len(given) > 0 {
		return given
	}
	if !target.Addr().Is4() || !target.Addr().IsLoopback() {
		return nil
	}
	count := (n + PortsPerSource - 1) / PortsPerSource
	addrs := make([]netip.Addr, 0, count)
	for a := loopbackBase; len(addrs) < count; a = a.Next() {
		addrs = append(addrs, a)
	}
	return addrs
}

// rotation hands out source addresses in turn. Event loop only.
type rotation struct {
	addrs []netip.Addr
	next  int
}

// take returns the next address, or the zero AddrPort, which leaves the choice to the kernel.
func (r *rotation) take(target netip.Addr) netip.AddrPort {
	for range r.addrs {
		a := r.addrs[r.next%len(r.addrs)]
		r.next++
		if a.Is4() == target.Is4() {
			return netip.AddrPortFrom(a, 0)
		}
	}
	return netip.AddrPort{}
}
