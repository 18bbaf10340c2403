package forwarded

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pires/go-proxyproto"
)

// MaxHeader is the longest PROXY header that is read, in bytes: 16, and what the library takes behind them (4 KiB), which has room for
// addresses and a client's certificate.
const MaxHeader = v2Prefix + 4096

const (
	// maxV1 is the longest line of version 1 with its CRLF (PROXY protocol, section 2.1).
	maxV1 = 107
	// v2Prefix is the fixed part of version 2: signature, command, family, and the length of the rest (section 2.2).
	v2Prefix = 16
)

// What Parser.Parse refuses.
var (
	// ErrMissing: the bytes do not begin with a PROXY header.
	ErrMissing = errors.New("no PROXY header")
	// ErrMalformed: they do, but it is broken, of an unknown kind or longer than MaxHeader.
	ErrMalformed = errors.New("malformed PROXY header")
)

// Origin is what a PROXY header says.
type Origin struct {
	// Client is who has connected to the proxy; not valid if Local, or if it is not known by an IP address.
	Client netip.AddrPort
	// Local: the connection is the proxy's own, such as a health check (LOCAL of version 2, UNKNOWN of version 1).
	Local bool
}

// Parser reads PROXY headers. The zero value is ready to use; it must not be shared between goroutines.
type Parser struct {
	in     bytes.Reader
	reader *bufio.Reader // what the library reads from
}

// Parse reads the PROXY header at the start of b and returns its length, 0 and no error while it is incomplete. An error wraps
// ErrMissing or ErrMalformed and is told with the first byte that is wrong where the signature is concerned, else once the header
// has been announced or come in full. b is not kept.
func (p *Parser) Parse(b []byte) (o Origin, n int, err error) {
	if n, err = length(b); n == 0 || err != nil {
		return Origin{}, 0, err
	}
	if p.reader == nil {
		p.reader = bufio.NewReader(nil)
	}
	p.in.Reset(b[:n])
	p.reader.Reset(&p.in)
	header, err := proxyproto.Read(p.reader)
	if err != nil {
		return Origin{}, 0, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return origin(header), n, nil
}

// HasHeader reports whether b begins with the whole signature of a PROXY header.
func HasHeader(b []byte) bool {
	return bytes.HasPrefix(b, proxyproto.SIGV1) || bytes.HasPrefix(b, proxyproto.SIGV2)
}

// begins reports whether b begins with signature, or is the beginning of it.
func begins(b, signature []byte) bool {
	n := min(len(b), len(signature))
	return bytes.Equal(b[:n], signature[:n])
}

// length returns how long the header at the start of b is, 0 if that cannot be told or not all of it is there.
func length(b []byte) (int, error) {
	switch {
	case !begins(b, proxyproto.SIGV1) && !begins(b, proxyproto.SIGV2):
		return 0, ErrMissing
	case len(b) == 0:
		return 0, nil
	case b[0] == proxyproto.SIGV1[0]:
		return lengthV1(b)
	}
	return lengthV2(b)
}

func lengthV1(b []byte) (int, error) {
	line := b[:min(len(b), maxV1)]
	switch end := bytes.IndexByte(line, '\n'); {
	case end >= 0:
		return end + 1, nil
	case len(line) == maxV1:
		return 0, fmt.Errorf("%w: a line of more than %d bytes", ErrMalformed, maxV1)
	}
	return 0, nil
}

func lengthV2(b []byte) (int, error) {
	if len(b) < v2Prefix {
		return 0, nil
	}
	n := v2Prefix + int(binary.BigEndian.Uint16(b[v2Prefix-2:]))
	switch {
	case n > MaxHeader:
		return 0, fmt.Errorf("%w: %d bytes announced, at most %d are read", ErrMalformed, n, MaxHeader)
	case n > len(b):
		return 0, nil
	}
	return n, nil
}

// origin takes from a header what matters.
func origin(h *proxyproto.Header) Origin {
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() {
		return Origin{Local: true}
	}
	var client netip.AddrPort
	switch a := h.SourceAddr.(type) {
	case *net.TCPAddr:
		client = a.AddrPort()
	case *net.UDPAddr:
		client = a.AddrPort()
	}
	if !client.IsValid() {
		return Origin{}
	}
	return Origin{Client: netip.AddrPortFrom(client.Addr().Unmap(), client.Port())}
}
