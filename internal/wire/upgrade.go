package wire

import (
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// Subprotocol is the WebSocket subprotocol in which every message comes in an envelope, see package envelope.
const Subprotocol = "tickgate.v1"

// Terms is what both sides of a WebSocket may agree on in the handshake.
type Terms struct {
	// Protocol is the subprotocol, "" for none.
	Protocol string
	// Deflate says that messages may be compressed, each by itself (permessage-deflate, RFC 7692, without context takeover).
	Deflate bool
}

// AppendUpgrade appends the 101 response that turns the connection of r into a WebSocket (RFC 6455 §4.2). Of
// protocols, the first one in the client's order of preference is chosen, none if none is offered; permessage-deflate is
// agreed on if the client offers it and deflate allows it. On error, an *HTTPError, dst comes back as it was: the caller
// answers with AppendHTTPError.
//
// The handshake is gobwas/ws's, run over exactly the bytes of the head, so that what came behind it is not lost. It
// does not look into the key and takes repeated fields, so that is checked here.
func AppendUpgrade(dst []byte, r *Request, protocols []string, deflate bool) (out []byte, _ Terms, err error) {
	if err := checkUpgrade(r); err != nil {
		return dst, Terms{}, err
	}
	d := duplexes.Get().(*duplex)
	defer d.release()
	d.in, d.out = r.Raw, dst
	var u ws.Upgrader
	if len(protocols) > 0 {
		u.Protocol = func(p []byte) bool { return slices.Contains(protocols, string(p)) }
	}
	if deflate {
		u.Negotiate = d.negotiate
	}
	hs, err := u.Upgrade(d)
	if err != nil {
		return dst, Terms{}, upgradeError(err)
	}
	return d.out, Terms{Protocol: hs.Protocol, Deflate: d.deflate}, nil
}

// AppendUpgradeField adds a field to the response of AppendUpgrade that dst ends with.
func AppendUpgradeField(dst []byte, name, value string) []byte {
	dst = append(dst[:len(dst)-len("\r\n")], name...)
	dst = append(append(dst, ": "...), value...)
	return append(dst, "\r\n\r\n"...)
}

// acceptDeflate answers an offer of an extension: permessage-deflate with no context kept from message to message in either direction. Offers
// that are malformed, or ask for a smaller window than the compressor's, are declined (RFC 7692 §5.1, §7.1).
func acceptDeflate(offer httphead.Option) (answer httphead.Option, ok bool) {
	const window = 15 // bits, of package compress/flate
	if string(offer.Name) != wsflate.ExtensionName {
		return answer, false
	}
	var asked wsflate.Parameters
	if err := asked.Parse(offer); err != nil || asked.ServerMaxWindowBits.Defined() && asked.ServerMaxWindowBits < window {
		return answer, false
	}
	agreed := wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true, ServerMaxWindowBits: asked.ServerMaxWindowBits}
	return agreed.Option(), true
}

// checkUpgrade makes the checks that ws.Upgrader leaves out.
func checkUpgrade(r *Request) error {
	const keyLen = 24 // of 16 bytes in base64
	if !r.Upgrade {
		return ErrUpgradeRequired
	}
	if count(r.Raw[r.fields:], "sec-websocket-version") > 1 {
		return errWSVersionField
	}
	key := r.Header("sec-websocket-key")
	if count(r.Raw[r.fields:], "sec-websocket-key") != 1 || len(key) != keyLen {
		return errKey
	}
	var nonce [18]byte
	if n, err := base64.StdEncoding.Decode(nonce[:], key); err != nil || n != 16 {
		return errKey
	}
	return nil
}

// upgradeError translates an error of ws.Upgrader. Its own response is dropped.
func upgradeError(err error) *HTTPError {
	switch {
	case errors.Is(err, ws.ErrHandshakeUpgradeRequired):
		return errWSVersion
	case errors.Is(err, ws.ErrHandshakeBadMethod):
		return errUpgradeMethod
	}
	return &HTTPError{Status: statusBadRequest, Code: "bad_handshake", Message: err.Error()}
}

// ErrUpgradeRequired is the answer of a WebSocket endpoint to a request that asks for no upgrade to websocket.
var ErrUpgradeRequired = &HTTPError{Status: statusUpgradeRequired, Code: "upgrade_required", Message: "this is a WebSocket endpoint"}

// What else AppendUpgrade refuses, besides what ws.Upgrader says.
var (
	errWSVersion      = &HTTPError{Status: statusUpgradeRequired, Code: "websocket_version", Message: "only WebSocket version 13 is spoken here"}
	errUpgradeMethod  = &HTTPError{Status: statusMethodNotAllowed, Code: "method_not_allowed", Message: "a WebSocket handshake is a GET request", Allow: "GET"}
	errKey            = &HTTPError{Status: statusBadRequest, Code: "bad_handshake", Message: "missing, repeated or malformed Sec-WebSocket-Key"}
	errWSVersionField = &HTTPError{Status: statusBadRequest, Code: "bad_handshake", Message: "repeated Sec-WebSocket-Version"}
)

// duplex lets ws.Upgrader read from and write to memory.
type duplex struct {
	in, out []byte
	deflate bool // agreed on
}

// duplexes saves an allocation per handshake.
var duplexes = sync.Pool{New: func() any { return new(duplex) }}

// release gives d back. It must not be used any more.
func (d *duplex) release() {
	*d = duplex{}
	duplexes.Put(d)
}

// negotiate answers the offer of an extension. Of several offers of permessage-deflate the first that suits is taken.
func (d *duplex) negotiate(offer httphead.Option) (answer httphead.Option, _ error) {
	if !d.deflate {
		answer, d.deflate = acceptDeflate(offer)
	}
	return answer, nil
}

// Read implements io.Reader.
func (d *duplex) Read(p []byte) (n int, err error) {
	if len(d.in) == 0 {
		return 0, io.EOF
	}
	n = copy(p, d.in)
	d.in = d.in[n:]
	return n, nil
}

// Write implements io.Writer.
func (d *duplex) Write(p []byte) (n int, err error) {
	d.out = append(d.out, p...)
	return len(p), nil
}
