package auth

import "strings"

// Origins is the list of origins (RFC 6454 §6.2) whose pages may use the gateway. It is immutable. The zero value lets the
// pages of any origin in, but trusts none with cookies.
type Origins struct {
	listed bool
	any    bool // "*" is one of them
	exact  map[string]bool
	within []wildcard
}

// wildcard is https://*.example.com, with a port perhaps: what stands before and behind the asterisk.
type wildcard struct{ scheme, domain string }

// NewOrigins returns the list of the given origins, written as browsers send them: "https://app.example.com",
// "https://*.example.com" for the names below a domain (but not the domain itself), and "*" for all. An empty list gives
// the zero value.
func NewOrigins(list []string) Origins {
	o := Origins{listed: len(list) > 0, exact: map[string]bool{}}
	for _, entry := range list {
		scheme, domain, below := strings.Cut(entry, "*.")
		switch {
		case entry == "*":
			o.any = true
		case below:
			o.within = append(o.within, wildcard{scheme, "." + domain})
		default:
			o.exact[entry] = true
		}
	}
	return o
}

// Any reports whether the pages of all origins may use the gateway without cookies.
func (o Origins) Any() bool { return !o.listed || o.any }

// Allows reports whether the pages of an origin may use the gateway without cookies.
func (o Origins) Allows(origin string) bool { return o.Any() || o.Trusts(origin) }

// Trusts reports whether an origin is listed otherwise than by "*": its pages may use the gateway with cookies.
func (o Origins) Trusts(origin string) bool {
	if o.exact[origin] {
		return true
	}
	for _, w := range o.within {
		if name, ok := strings.CutPrefix(origin, w.scheme); ok {
			if name, ok = strings.CutSuffix(name, w.domain); ok && isName(name) {
				return true
			}
		}
	}
	return false
}

// isName reports whether s can stand for the asterisk of a wildcard: labels with dots between them. Browsers write them in
// lower case.
func isName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return true
}
