package wire

// CORS says which pages' scripts may read an answer (WHATWG Fetch §3.2.3).
type CORS struct {
	// Origin is sent as Access-Control-Allow-Origin: "*" for all, one origin, or empty for none but the server's own.
	Origin string
	// Credentials lets the pages of that origin make requests with cookies. Browsers ignore it beside "*".
	Credentials bool
}

// appendTo appends the field lines.
func (c CORS) appendTo(dst []byte) []byte {
	switch c.Origin {
	case "":
		return dst
	case "*":
		return append(dst, "Access-Control-Allow-Origin: *\r\n"...)
	}
	dst = append(append(dst, "Access-Control-Allow-Origin: "...), c.Origin...)
	dst = append(dst, "\r\nVary: Origin\r\n"...)
	if c.Credentials {
		dst = append(dst, "Access-Control-Allow-Credentials: true\r\n"...)
	}
	return dst
}
