package wire

// errMore is not an error: the head is not complete yet. It never leaves this package.
var errMore = &HTTPError{}

// What ParseRequest refuses. Codes are few, so that they can be metric labels; messages tell the cases apart.
var (
	errRequestLine = badRequest("malformed request line")
	errTarget      = badRequest("malformed request target")
	errHost        = badRequest("missing, repeated or malformed Host field")
	errFraming     = badRequest("repeated, conflicting or malformed Content-Length or Transfer-Encoding")
	errBody        = badRequest("a request body is not accepted here")

	errConnect       = &HTTPError{Status: statusMethodNotAllowed, Code: "method_not_allowed", Message: "this is not a proxy", Allow: "GET, HEAD, OPTIONS"}
	errTargetTooLong = &HTTPError{Status: statusTargetTooLong, Code: "uri_too_long", Message: "the request line does not fit the limit of the request head"}
	errHeadTooLong   = &HTTPError{Status: statusHeadTooLong, Code: "header_too_large", Message: "the request head is too long"}
	errCoding        = &HTTPError{Status: statusNotImplemented, Code: "not_implemented", Message: "unknown transfer coding"}
	errVersion       = &HTTPError{Status: statusVersionNotSupported, Code: "version_not_supported", Message: "only HTTP/1.0 and HTTP/1.1 are spoken here"}
)

// faultErrors are the refusals of a head whose lines are malformed.
var faultErrors = buildFaultErrors()

func buildFaultErrors() (t [len(faultTexts)]*HTTPError) {
	for f := range t {
		t[f] = badRequest(fault(f).Error())
	}
	t[faultMore] = errMore
	return t
}

func badRequest(message string) *HTTPError {
	return &HTTPError{Status: statusBadRequest, Code: "bad_request", Message: message}
}
