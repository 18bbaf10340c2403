// Package forwarded finds out who a client behind proxies is: from the PROXY header that a load balancer sends first (HAProxy's PROXY
// protocol, versions 1 and 2), and from the X-Forwarded-For and Forwarded (RFC 7239) fields of a request.
//
// It is functions on bytes. Which peers are asked, and what an address is good for, is left to the caller: everything read here is
// the claim of whoever has sent it, and worth something only if that was a [Trusted] proxy.
package forwarded
