package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Transport is how a client is connected.
type Transport uint8

// The transports a swarm speaks.
const (
	WebSocket Transport = iota
	SSE
	Transports = iota // their number
)

// String returns "ws" or "sse".
func (t Transport) String() string { return [Transports]string{"ws", "sse"}[t] }

// Target is one URL clients connect to. Exported fields only, because it travels to worker processes.
type Target struct {
	URL       string // as given, or as expanded from a root URL; for messages
	Transport Transport
	Addr      netip.AddrPort
	Host      string // value of the Host header
	Path      string // request target: path and query, never empty
}

// Mix is how clients are divided between transports, in parts of any unit.
type Mix [Transports]int

// ParseMix reads "ws=70,sse=30". A transport that is not named gets nothing.
func ParseMix(s string) (Mix, error) {
	var mix Mix
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(value)
		switch {
		case name != WebSocket.String() && name != SSE.String():
			return Mix{}, fmt.Errorf("mix %q: unknown transport %q; write ws=70,sse=30", s, name)
		case err != nil || n < 0:
			return Mix{}, fmt.Errorf("mix %q: %q is not a share; write ws=70,sse=30", s, part)
		case name == WebSocket.String():
			mix[WebSocket] = n
		default:
			mix[SSE] = n
		}
	}
	if mix[WebSocket]+mix[SSE] == 0 {
		return Mix{}, fmt.Errorf("mix %q: nobody would connect", s)
	}
	return mix, nil
}

// ParseTarget returns the targets of one URL, without their addresses (see Resolve): ws:// is a WebSocket, http:// with
// a path an SSE stream, and http:// without one stands for both tickgate endpoints, /ws and /sse.
func ParseTarget(raw string) ([]Target, error) {
	if !strings.Contains(raw, "://") {
		return nil, fmt.Errorf("target %q: no scheme; write ws://%s or http://%s", raw, raw, raw)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", raw, errors.Unwrap(err))
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("target %q: no host; write %s://HOST:PORT/PATH", raw, u.Scheme)
	}
	switch u.Scheme {
	case "ws":
		return []Target{newTarget(u, WebSocket)}, nil
	case "http":
		if strings.Trim(u.Path, "/") != "" {
			return []Target{newTarget(u, SSE)}, nil
		}
		u.Path = "/"
		return []Target{newTarget(u.JoinPath("ws"), WebSocket), newTarget(u.JoinPath("sse"), SSE)}, nil
	case "wss", "https":
		return nil, fmt.Errorf("target %q: TLS is not supported yet; use the server's plain port (ws:// or http://)", raw)
	}
	return nil, fmt.Errorf("target %q: unknown scheme %q; write ws:// or http://", raw, u.Scheme)
}

func newTarget(u *url.URL, transport Transport) Target {
	shown := *u
	if transport == WebSocket {
		shown.Scheme = "ws"
	}
	return Target{URL: shown.String(), Transport: transport, Host: u.Host, Path: u.RequestURI()}
}

// Resolve fills in the addresses of targets; IPv4 is preferred.
func Resolve(ctx context.Context, targets []Target) error {
	for i := range targets {
		addr, err := resolve(ctx, targets[i].Host)
		if err != nil {
			return fmt.Errorf("target %q: %w", targets[i].URL, err)
		}
		targets[i].Addr = addr
	}
	return nil
}

func resolve(ctx context.Context, hostport string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), "80"
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return netip.AddrPort{}, fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look up host: %w", err)
	}
	best := addrs[0].Unmap()
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() && !best.Is4() {
			best = a
		}
	}
	return netip.AddrPortFrom(best, uint16(number)), nil
}
