package bus

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// dialer returns a function that connects to e.
func (b *Bus) dialer(e Endpoint, more ...nats.Option) dialFunc {
	options := append([]nats.Option{
		nats.Name("tickgate"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1), // a message that cannot be sent now is the publisher's to repeat
		nats.DisconnectErrHandler(b.disconnected),
		nats.ReconnectHandler(b.reconnected),
		nats.ErrorHandler(b.trouble),
		nats.IgnoreAuthErrorAbort(), // credentials that are being replaced are no reason to give up
	}, more...)
	options = append(options, e.Access.options()...)
	if e.Token != "" {
		options = append(options, nats.Token(e.Token))
	}
	if strings.HasPrefix(e.URL, "nats://127.0.0.1:") {
		options = append(options, nats.Timeout(handshakeTimeout))
	}
	return func() (*nats.Conn, error) {
		conn, err := nats.Connect(e.URL, options...)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", redact(e.URL), explain(err))
		}
		return conn, nil
	}
}

// reconnectWait is the pause between attempts to reconnect, up to doubled by chance so that workers do not come
// all at once.
const reconnectWait = 250 * time.Millisecond

// handshakeTimeout is what a connection over loopback may take. Nothing gets lost there, but a machine may stand still for longer than
// NATS' own 2 s, and a worker that cannot connect at its start ends the gateway's.
const handshakeTimeout = 20 * time.Second

// redact returns a list of URLs without their secrets.
func redact(urls string) string {
	list := strings.Split(urls, ",")
	for i, s := range list {
		u, err := url.Parse(s)
		switch {
		case err != nil:
			list[i] = "(malformed URL)"
		case u.User != nil:
			u.User = url.User("…") // a token takes the user's place
			list[i] = u.Scheme + "://…@" + u.Host
		}
	}
	return strings.Join(list, ",")
}
