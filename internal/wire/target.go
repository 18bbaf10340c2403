package wire

import "bytes"

// splitTarget takes the target apart: origin-form, asterisk-form of OPTIONS, or absolute-form, which a server must
// accept (RFC 9112 §3.2).
func (r *Request) splitTarget() *HTTPError {
	rest := r.Target
	if rest[0] != '/' {
		switch scheme := schemeLen(rest); {
		case string(r.Method) == "CONNECT":
			return errConnect
		case string(rest) == "*" && string(r.Method) == "OPTIONS":
			r.Path = rest
			return nil
		case scheme == 0:
			return errTarget
		default:
			end := scheme + authorityLen(rest[scheme:])
			r.Host = rest[scheme:end]
			if len(r.Host) == 0 || !validHost(r.Host) {
				return errTarget
			}
			if end == len(rest) || rest[end] == '?' {
				r.Path = rest[scheme-1 : scheme] // an empty path is "/", RFC 9110 §4.2.3
			}
			rest = rest[end:]
		}
	}
	path, query, _ := bytes.Cut(rest, []byte("?"))
	r.RawQuery = query
	if r.Path == nil {
		r.Path = path
	}
	return nil
}

// schemeLen returns the length of the http:// or https:// that target starts with, or 0.
func schemeLen(target []byte) int {
	for _, s := range [...]string{"http://", "https://"} {
		if len(target) >= len(s) && equalFold(target[:len(s)], s) {
			return len(s)
		}
	}
	return 0
}

// authorityLen returns how many bytes of b come before the path or query.
func authorityLen(b []byte) int {
	if i := bytes.IndexAny(b, "/?"); i >= 0 {
		return i
	}
	return len(b)
}

// validHost checks uri-host [ ":" port ] (RFC 9110 §7.2): a name, an IPv4 address or a bracketed IP literal.
func validHost(b []byte) bool {
	var end int
	if len(b) > 0 && b[0] == '[' {
		end = bytes.IndexByte(b, ']') + 1
		if end < 4 || skipLiteral(b[1:end-1]) != end-2 {
			return false
		}
	} else {
		end = skip(b, 0, classHost)
	}
	if end == len(b) {
		return true
	}
	port := b[end+1:]
	_, ok := decimal(port)
	return b[end] == ':' && (ok || len(port) == 0)
}

// skipLiteral returns how many bytes at the start of b can stand between the brackets of an IP literal.
func skipLiteral(b []byte) (i int) {
	for i < len(b) && (b[i] == ':' || classes[b[i]]&classHost != 0) {
		i++
	}
	return i
}
