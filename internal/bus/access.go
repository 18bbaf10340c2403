package bus

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Access is how a connection to external servers proves who it is, and how it finds out who they are. All are names of
// files, which are read again for each connection, so that they may be replaced. The zero value shows what the URLs
// hold and trusts the authorities that the system trusts.
type Access struct {
	// Credentials is a file with a user's JWT and seed, as nsc makes it.
	Credentials string `json:"credentials,omitempty"`
	// CA is a file with certificates in PEM: of the authorities that the servers' certificates may come from.
	// Naming one demands TLS.
	CA string `json:"ca,omitempty"`
	// Cert and Key are files in PEM with the certificate that is shown to servers which ask for one. Naming them
	// demands TLS.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
}

// options returns what makes the NATS client use a.
func (a Access) options() (options []nats.Option) {
	if a.Credentials != "" {
		options = append(options, nats.UserCredentials(a.Credentials))
	}
	if a.CA != "" {
		options = append(options, nats.RootCAs(a.CA))
	}
	if a.Cert != "" {
		options = append(options, nats.ClientCert(a.Cert, a.Key))
	}
	return options
}

// remedies say what to do about errors that an operator meets when a gateway is connected to NATS for the first time.
var remedies = []struct {
	means  func(error) bool
	remedy string
}{
	{isAuthorization, "the server does not accept the user, password or token in the URL (--nats), or the file of --nats-creds"},
	{isUnknownAuthority, "the server's certificate is not signed by an authority that is trusted here: --nats-tls-ca names the file of the right one"},
	{isOtherHost, "the server's certificate is for other names: write one of them into the URL (--nats)"},
	{isClientCertificate, "the server wants to see a certificate that it trusts: --nats-tls-cert and --nats-tls-key name its files"},
	{is(nats.ErrSecureConnWanted), "the server does not speak TLS: leave --nats-tls-ca and --nats-tls-cert out and write nats:// in the URL"},
	{is(nats.ErrNoServers), "no nats-server answers there: start it, or correct the URL (--nats)"},
	{is(nats.ErrTimeout), "nothing answers there in time: look for a firewall, or correct the URL (--nats)"},
	{is(jetstream.ErrJetStreamNotEnabled), "the server runs without JetStream: start it with -js"},
	{is(jetstream.ErrJetStreamNotEnabledForAccount), "the user's account has no JetStream: give it limits for it, or use another user"},
	{isNoPeers, "fewer servers with JetStream are running than the stream is to have copies: start the others, or choose another number with --nats-replicas"},
}

// explain adds to an error what to do about it, if that is known.
func explain(err error) error {
	for _, r := range remedies {
		if err != nil && r.means(err) {
			return fmt.Errorf("%w; %s", err, r.remedy)
		}
	}
	return err
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func isAuthorization(err error) bool {
	// The client passes some on as the server's text (nats.go v1.55.0, processConnectInit).
	return errors.Is(err, nats.ErrAuthorization) || strings.Contains(strings.ToLower(err.Error()), "authorization violation")
}

func isUnknownAuthority(err error) bool {
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}

func isOtherHost(err error) bool {
	var other x509.HostnameError
	return errors.As(err, &other)
}

// isClientCertificate knows the alerts of TLS about a client's certificate, such as "certificate required" (RFC 8446
// section 6.2). crypto/tls has no type for them outside of QUIC.
func isClientCertificate(err error) bool {
	return strings.Contains(err.Error(), "remote error: tls:") && strings.Contains(err.Error(), "certificate")
}

func isNoPeers(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == codeNoPeers
}

// codeNoPeers is JetStream's error code for a stream that needs more servers than there are (JSClusterNoPeersErrF).
const codeNoPeers = 10005
