package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/wire"
)

// Probe connects to a target once, the way a client would, and hangs up after the handshake. Its error is one line that
// says what is wrong and what to do about it.
func Probe(ctx context.Context, cfg *Config, t *Target) error {
	ctx, cancel := context.WithTimeout(ctx, cfg.withDefaults().Timeout)
	defer cancel()
	dialer := net.Dialer{}
	if local := sourceFor(cfg.Sources, t); local.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(local)
	}
	c, err := dialer.DialContext(ctx, "tcp", t.Addr.String())
	if err != nil {
		return fmt.Errorf("%s: %w%s", t.URL, bare(err), dialRemedy(t, dialer.LocalAddr, err))
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return fmt.Errorf("%s: %w", t.URL, err)
		}
	}
	return probeHandshake(c, cfg, t)
}

// bare takes off what the net package wraps around a system error, which repeats the address.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func dialRemedy(t *Target, local net.Addr, err error) string {
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return fmt.Sprintf("; nobody listens on %s: start the server or correct the URL", t.Addr)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Sprintf("; the source address %v is not one of this machine's, or has no free port for %s:"+
			" give others with --source, or widen net.ipv4.ip_local_port_range", local, t.Addr)
	case errors.Is(err, unix.EMFILE):
		return "; this process may not open more descriptors: raise ulimit -n"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("; %s does not answer: is a firewall in the way?", t.Addr)
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return "; there is no route to that address"
	}
	return ""
}

func probeHandshake(c net.Conn, cfg *Config, t *Target) error {
	var nonce [16]byte
	copy(nonce[:], time.Now().String())
	topics, err := newTopics(&cfg.Subscription)
	if err != nil {
		return err
	}
	q := t.request(request{joinFields(cfg.Headers), cfg.Subprotocol, cfg.ByCommand, topics, cfg.First, ""})
	request := wire.AppendClientRequest(nil, &q)
	if t.Transport == WebSocket {
		request = wire.AppendHandshake(nil, &q, nonce)
	}
	if _, err := c.Write(request); err != nil {
		return fmt.Errorf("%s: send request: %w", t.URL, bare(err))
	}
	r, b, err := readAnswer(c)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s: connected, but no answer to the handshake; is it a push server?", t.URL)
	case err != nil && len(b) == 0:
		return fmt.Errorf("%s: hung up without an answer (%w); is it a push server?", t.URL, bare(err))
	case err != nil:
		return answerError(t, r, b, err)
	}
	if err := t.check(r, cfg.Subprotocol, nonce); err != nil {
		b = append(b, firstOfBody(c, len(b) > len(r.Raw))...)
		return fmt.Errorf("%w; %s", answerError(t, r, b, err), answerRemedy(t, r.Status, err))
	}
	return nil
}

func answerRemedy(t *Target, status int, err error) string {
	switch {
	case errors.Is(err, errSubprotocol):
		return "leave --subprotocol out"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "give credentials with --header 'Authorization: …'"
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		return "the server is full or draining: try again later"
	case t.Transport == WebSocket:
		return "this path is not a WebSocket endpoint: correct the URL"
	}
	return "this path is not an event stream: correct the URL"
}

// readAnswer reads one response head, after interim ones, and what came with it.
func readAnswer(c net.Conn) (*wire.Response, []byte, error) {
	buf := make([]byte, 0, maxHead+1024)
	for {
		n, readErr := c.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		r := new(wire.Response)
		head, err := wire.ParseResponse(buf, maxHead, r)
		switch {
		case err != nil:
			return r, buf, err
		case head > 0 && r.Status < 200 && r.Status != http.StatusSwitchingProtocols:
			buf = buf[:copy(buf, buf[head:])]
		case head > 0:
			return r, buf, nil
		}
		if readErr != nil {
			return r, buf, readErr
		}
	}
}

// firstOfBody reads the beginning of a body that did not come with its head.
func firstOfBody(c net.Conn, here bool) []byte {
	if here || c.SetReadDeadline(time.Now().Add(200*time.Millisecond)) != nil {
		return nil
	}
	var b [256]byte
	n, _ := c.Read(b[:]) // it is only for show
	return b[:n]
}

// joinFields returns header lines as they go onto the wire.
func joinFields(headers []string) (lines string) {
	for _, h := range headers {
		lines += h + "\r\n"
	}
	return lines
}
