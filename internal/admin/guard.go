package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guardHost lets only requests through that name a loopback host. Without it any web page that the
// operator opens could let its own name resolve to 127.0.0.1 and then, as the same origin, read
// what this listener shows (DNS rebinding).
func guardHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackHost(r.Host) {
			http.Error(w, "the private listener is bound to loopback and answers only to localhost, 127.0.0.1 or [::1] as Host",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackHost tells whether a Host header names this machine. One that is missing is fine: every
// browser sends it.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
