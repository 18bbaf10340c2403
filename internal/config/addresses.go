package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Addresses bounds the clients of one address, and says who may connect for others. An address is one of IPv4, or a /64 network
// of IPv6.
type Addresses struct {
	// MaxConns bounds the open connections of an address, over all workers; more get 429. Default 0, no bound: an office, a mobile network
	// and a load test come from one address, and behind a proxy that is not in TrustedProxies everybody does.
	MaxConns int `name:"max-conns-per-addr" default:"0" placeholder:"N" help:"Connections from one address (IPv4, or IPv6 /64), counted over all workers; more get 429. 0 is no bound: a whole office may come from one address."`
	// ConnectRate bounds the connects of an address; more get 429. Default 0, no bound, for the same reason.
	ConnectRate Rate `name:"connect-rate-per-addr" default:"0" placeholder:"N/s" help:"Connects from one address a second; more get 429. 0 is no bound."`
	// ConnectBurst is how many connects an address may make at once. Default 0: ten seconds' worth of ConnectRate.
	ConnectBurst int `name:"connect-burst-per-addr" default:"0" placeholder:"N" help:"Connects from one address at once before --connect-rate-per-addr holds; 0 is ten seconds' worth."`
	// TrustedProxies are the networks of proxies whose word is taken for their clients' addresses. Default none. Danger: who can connect from
	// such a network can be whoever it likes.
	TrustedProxies Networks `name:"trusted-proxies" placeholder:"CIDR,..." help:"Networks of the proxies in front, such as 10.0.0.0/8,::1, whose word is taken for their clients' addresses."`
	// ForwardedHeader is the field by which trusted proxies tell of their clients. Default x-forwarded-for. Danger: it has to be the one
	// that they write; another one comes through them as the client has sent it.
	ForwardedHeader ForwardedHeader `name:"forwarded-header" default:"x-forwarded-for" placeholder:"x-forwarded-for|forwarded" help:"Field by which trusted proxies tell of their clients; it has to be the one that they write: 'x-forwarded-for' or 'forwarded' (RFC 7239)."`
	// ProxyProtocol says that trusted proxies begin each connection with a PROXY header, version 1 or 2. Default off.
	ProxyProtocol bool `name:"proxy-protocol" help:"Connections of trusted proxies begin with a PROXY header (version 1 or 2), and are refused without one."`
}

// Burst is ConnectBurst, or what it stands for.
func (a *Addresses) Burst() int {
	if a.ConnectBurst > 0 {
		return a.ConnectBurst
	}
	const seconds = 10
	return seconds * int(a.ConnectRate)
}

// Bound reports whether there is a bound on addresses.
func (a *Addresses) Bound() bool { return a.MaxConns > 0 || a.ConnectRate > 0 }

func (a *Addresses) check(p *Problems) {
	p.between("--max-conns-per-addr", a.MaxConns, 0, 16_000_000)
	p.between("--connect-rate-per-addr", int(a.ConnectRate), 0, 1_000_000)
	p.between("--connect-burst-per-addr", a.ConnectBurst, 0, 16_000_000)
	if a.ConnectBurst > 0 && a.ConnectRate == 0 {
		p.add("--connect-burst-per-addr", strconv.Itoa(a.ConnectBurst), "there is no rate that it could exceed; set --connect-rate-per-addr as well, such as 5/s")
	}
	if a.ProxyProtocol && len(a.TrustedProxies) == 0 {
		p.add("--proxy-protocol", "", "nobody's PROXY header would be believed; name the proxies with --trusted-proxies, such as 10.0.0.0/8")
	}
	if a.ForwardedHeader != ForwardedFor && len(a.TrustedProxies) == 0 {
		p.add("--forwarded-header", string(a.ForwardedHeader), "nobody's would be believed; name the proxies with --trusted-proxies, such as 10.0.0.0/8")
	}
}

// warnings are settings that work and are seldom meant.
func (a *Addresses) warnings() (w []string) {
	for _, n := range a.TrustedProxies {
		if n.Bits() == 0 {
			w = append(w, fmt.Sprintf("--trusted-proxies=%s lets every client choose its own address; name the proxies' networks only", n))
		}
	}
	return w
}

// Rate is a number a second.
type Rate int

// UnmarshalText parses N/s, N or off.
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*r = 0
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "/s"))
	if err != nil {
		return errors.New("not a rate; write a whole number a second such as 20/s, or 0 for no bound")
	}
	*r = Rate(n)
	return nil
}

// String is the form that UnmarshalText reads.
func (r Rate) String() string { return strconv.Itoa(int(r)) + "/s" }

// ByteRate is a number of bytes a second.
type ByteRate Size

// UnmarshalText parses SIZE/s, SIZE or off.
func (r *ByteRate) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*r = 0
		return nil
	}
	if (*Size)(r).UnmarshalText([]byte(strings.TrimSuffix(string(text), "/s"))) != nil {
		return errors.New("not a rate of bytes; write a size a second such as 64KiB/s, or 0 for no bound")
	}
	return nil
}

// String is the form that UnmarshalText reads.
func (r ByteRate) String() string { return Size(r).String() + "/s" }

// Networks are networks of addresses.
type Networks []netip.Prefix

// UnmarshalText parses a comma-separated list of networks and single addresses.
func (n *Networks) UnmarshalText(text []byte) error {
	*n = nil
	for field := range strings.SplitSeq(string(text), ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		network, err := parseNetwork(field)
		if err != nil {
			return fmt.Errorf("%s is not a network; write 10.0.0.0/8, 192.0.2.1, fd00::/8 or several with commas between them", field)
		}
		*n = append(*n, network)
	}
	return nil
}

// String is the form that UnmarshalText reads.
func (n Networks) String() string {
	fields := make([]string, len(n))
	for i, network := range n {
		fields[i] = network.String()
	}
	return strings.Join(fields, ",")
}

// parseNetwork reads one network, in IPv4 form if it is one of IPv4.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	const mapped = 96 // bits of ::ffff:0:0/96, RFC 4291 §2.5.5.2
	if err == nil && network.Addr().Is4In6() && network.Bits() >= mapped {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mapped)
	}
	return network.Masked(), err
}

// ForwardedHeader is a field of a request by which proxies tell of their clients.
type ForwardedHeader string

// The fields.
const (
	ForwardedFor     ForwardedHeader = "x-forwarded-for"
	ForwardedRFC7239 ForwardedHeader = "forwarded"
)

// UnmarshalText parses x-forwarded-for or forwarded, in any case.
func (h *ForwardedHeader) UnmarshalText(text []byte) error {
	switch v := ForwardedHeader(strings.ToLower(string(text))); v {
	case ForwardedFor, ForwardedRFC7239:
		*h = v
		return nil
	}
	return errors.New("not a field that is known; write x-forwarded-for or forwarded")
}
