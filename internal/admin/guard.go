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

// guardOrigin keeps pages of other sites from having the operator's browser ask for what costs the gateway time, such as
// ten profiles at once: what they may not read they could still start. It lets links from elsewhere through. Browsers of today
// say where a request to loopback comes from (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/); other programs say
// nothing.
func guardOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		elsewhere := site == "cross-site" || site == "same-site" // same-site: another port of this machine
		if elsewhere && r.Header.Get("Sec-Fetch-Dest") != "document" {
			http.Error(w, "the private listener does not answer pages of other sites", http.StatusForbidden)
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
