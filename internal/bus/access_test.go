package bus

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{nats.ErrAuthorization, "--nats-creds"},
		{errors.New("nats: 'Authorization Violation'"), "--nats-creds"},
		{fmt.Errorf("handshake: %w", x509.UnknownAuthorityError{}), "--nats-tls-ca"},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, "certificate is for other names"},
		{errors.New("remote error: tls: certificate required"), "--nats-tls-cert"},
		{nats.ErrSecureConnWanted, "does not speak TLS"},
		{nats.ErrNoServers, "start it"},
		{nats.ErrTimeout, "firewall"},
		{jetstream.ErrJetStreamNotEnabled, "-js"},
		{jetstream.ErrJetStreamNotEnabledForAccount, "limits"},
		{&jetstream.APIError{ErrorCode: codeNoPeers}, "--nats-replicas"},
		{errors.New("something else"), ""},
	} {
		got := explain(test.err)
		if !errors.Is(got, test.err) || !strings.Contains(got.Error(), test.want) || test.want == "" && got.Error() != test.err.Error() {
			t.Errorf("explain(%v): got %v, want it and %q", test.err, got, test.want)
		}
	}
	if err := explain(nil); err != nil {
		t.Errorf("explain(nil): got %v", err)
	}
}
