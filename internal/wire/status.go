package wire

// HTTP status codes that this package sends or checks. net/http would bring sockets into a package without I/O.
const (
	statusSwitchingProtocols  = 101
	statusBadRequest          = 400
	statusMethodNotAllowed    = 405
	statusTargetTooLong       = 414
	statusUpgradeRequired     = 426
	statusHeadTooLong         = 431
	statusNotImplemented      = 501
	statusVersionNotSupported = 505
)

// reasonPhrase returns the reason phrase of an error status, "Error" for one that tickgate does not send: clients
// ignore it (RFC 9112 §4).
func reasonPhrase(status int) string {
	switch status {
	case statusBadRequest:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case statusMethodNotAllowed:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case statusTargetTooLong:
		return "URI Too Long"
	case statusUpgradeRequired:
		return "Upgrade Required"
	case 429:
		return "Too Many Requests"
	case statusHeadTooLong:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case statusNotImplemented:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case statusVersionNotSupported:
		return "HTTP Version Not Supported"
	}
	return "Error"
}
