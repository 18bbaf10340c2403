package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

const natsSecret = "s3cr3t-of-this-test"

// authority signs certificates; its files are what --nats-tls-… names.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, "ca", true)
	return a
}

// file returns the name of a PEM file: ca.pem, server.pem, server.key, …
func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// sign makes a certificate for 127.0.0.1 and writes it and its key to files.
func (a *authority) sign(t *testing.T, name string, isCA bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: isCA, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, parentKey := a.cert, a.key
	if isCA {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file(name+".pem"), "CERTIFICATE", der)
	writePEM(t, a.file(name+".key"), "PRIVATE KEY", private)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// natsAttempt is a way to connect and what comes of it.
type natsAttempt struct {
	name  string
	url   string
	flags map[string]string
	want  []string // in the log of a gateway that ends; empty: it serves
}

// try starts a gateway. Its secrets come in the environment, as an operator keeps them out of the list of processes.
func (x natsAttempt) try(t *testing.T) {
	t.Parallel()
	flags := map[string]string{"feed": "none"}
	maps.Copy(flags, x.flags)
	s := setup{flags: flags, env: []string{"TICKGATE_NATS=" + x.url}}
	if len(x.want) == 0 {
		g := startGateway(t, s)
		if status, result := publish(t, g, "a", "1", nil); status != http.StatusOK {
			t.Errorf("publish: got %d %+v, want 200", status, result)
		}
		checkSecrets(t, g)
		return
	}
	g := launch(t, s)
	if code := g.waitExit(t, clusterPatience); code != 1 {
		t.Errorf("got exit code %d, want 1", code)
	}
	for _, want := range x.want {
		if !strings.Contains(g.log.String(), want) {
			t.Errorf("got the log\n%s\nwant %q in it", g.log, want)
		}
	}
	checkHidden(t, "log", g.log.String())
}

// checkSecrets looks for the secret wherever a gateway shows something.
func checkSecrets(t *testing.T, g *gateway) {
	t.Helper()
	checkHidden(t, "log", g.log.String())
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/v1/topics", "/v1/connections", "/", "/debug/pprof/cmdline"} {
		_, body := page(t, "http://"+g.Admin+path)
		checkHidden(t, path, body)
	}
	for _, pid := range g.workers() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			t.Fatal(err)
		}
		checkHidden(t, "command line", string(line))
	}
}

func checkHidden(t *testing.T, where, text string) {
	t.Helper()
	if strings.Contains(text, natsSecret) {
		t.Errorf("the %s shows the secret: %s", where, text)
	}
}

// TestNATSAccess connects gateways to a server that asks for TLS and a token.
func TestNATSAccess(t *testing.T) {
	t.Parallel()
	right, wrong := newAuthority(t), newAuthority(t)
	right.sign(t, "server", false)
	c := startNATSServers(t, 1, fmt.Sprintf("authorization { token: %q }\ntls { cert_file: %q, key_file: %q }",
		natsSecret, right.file("server.pem"), right.file("server.key")))
	host := fmt.Sprintf("127.0.0.1:%d", c[0].port)
	ca := map[string]string{"nats-tls-ca": right.file("ca.pem")}
	workers := map[string]string{"nats-tls-ca": right.file("ca.pem"), "workers": "2"}
	for _, x := range []natsAttempt{
		{"token", "tls://" + natsSecret + "@" + host, ca, nil},
		{"token in workers", "tls://" + natsSecret + "@" + host, workers, nil},
		{"wrong token", "tls://" + natsSecret + "-not@" + host, ca, []string{host, "Authorization Violation", "--nats-creds"}},
		{"no token", "tls://" + host, ca, []string{host, "Authorization Violation", "--nats-creds"}},
		{
			"wrong authority", "tls://" + natsSecret + "@" + host,
			map[string]string{"nats-tls-ca": wrong.file("ca.pem")},
			[]string{host, "unknown authority", "--nats-tls-ca"},
		},
		{"unreachable", "nats://" + natsSecret + "@127.0.0.1:1", nil, []string{"127.0.0.1:1", "no nats-server answers there"}},
		{"no such file", "tls://" + host, map[string]string{"nats-tls-ca": "/nowhere/ca.pem"}, []string{"/nowhere/ca.pem"}},
	} {
		t.Run(x.name, x.try)
	}
}

// TestNATSSecretInArguments: who gives the secret away in the arguments is warned, and the workers do not repeat it.
func TestNATSSecretInArguments(t *testing.T) {
	t.Parallel()
	c := startNATSServers(t, 1, fmt.Sprintf("authorization { token: %q }", natsSecret))
	g := startGateway(t, setup{flags: map[string]string{
		"feed": "none", "workers": "2", "nats": fmt.Sprintf("nats://%s@127.0.0.1:%d", natsSecret, c[0].port),
	}})
	if !strings.Contains(g.log.String(), "every user of this machine can read the secret in --nats") {
		t.Error("got no warning of a secret in the arguments")
	}
	checkHidden(t, "log", g.log.String())
	workers := g.workers()
	if len(workers) != 2 {
		t.Errorf("got workers %v, want 2", workers)
	}
	for _, pid := range workers {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			t.Fatal(err)
		}
		checkHidden(t, "command line of a worker", string(line))
	}
}

// TestNATSClientCertificate connects gateways to a server that asks for a certificate.
func TestNATSClientCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.sign(t, "server", false)
	a.sign(t, "gateway", false)
	c := startNATSServers(t, 1, fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }",
		a.file("server.pem"), a.file("server.key"), a.file("ca.pem")))
	host := fmt.Sprintf("127.0.0.1:%d", c[0].port)
	both := map[string]string{"nats-tls-ca": a.file("ca.pem"), "nats-tls-cert": a.file("gateway.pem"), "nats-tls-key": a.file("gateway.key")}
	for _, x := range []natsAttempt{
		{"certificate", "tls://" + host, both, nil},
		{"none", "tls://" + host, map[string]string{"nats-tls-ca": a.file("ca.pem")}, []string{host}}, // what it says is not certain: the alert may be lost behind a reset
	} {
		t.Run(x.name, x.try)
	}
}

// TestNATSCredentials connects gateways to a server that knows users by the JWT of their account.
func TestNATSCredentials(t *testing.T) {
	t.Parallel()
	operator, account := newIdentity(t, nkeys.CreateOperator), newIdentity(t, nkeys.CreateAccount)
	claims := jwt.NewAccountClaims(account.public)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	system := newIdentity(t, nkeys.CreateAccount)
	operatorClaims := jwt.NewOperatorClaims(operator.public)
	operatorClaims.SystemAccount = system.public
	c := startNATSServers(t, 1, fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload: { %s: %s, %s: %s }",
		operator.encode(t, operatorClaims),
		account.public, operator.encode(t, claims),
		system.public, operator.encode(t, jwt.NewAccountClaims(system.public))))
	host := fmt.Sprintf("127.0.0.1:%d", c[0].port)
	stranger := newIdentity(t, nkeys.CreateAccount)
	for _, x := range []natsAttempt{
		{"right", "nats://" + host, map[string]string{"nats-creds": account.credentials(t)}, nil},
		{"of another account", "nats://" + host, map[string]string{"nats-creds": stranger.credentials(t)}, []string{host, "Authorization Violation", "--nats-creds"}},
		{"none", "nats://" + host, nil, []string{host, "Authorization Violation", "--nats-creds"}},
		{"no such file", "nats://" + host, map[string]string{"nats-creds": "/nowhere/user.creds"}, []string{"/nowhere/user.creds"}},
	} {
		t.Run(x.name, x.try)
	}
}

// identity is a key of NATS.
type identity struct {
	pair   nkeys.KeyPair
	public string
}

func newIdentity(t *testing.T, create func() (nkeys.KeyPair, error)) identity {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return identity{pair, public}
}

// encode returns claims with the signature of i.
func (i identity) encode(t *testing.T, claims jwt.Claims) string {
	t.Helper()
	token, err := claims.Encode(i.pair)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// credentials returns the file of a new user of account i.
func (i identity) credentials(t *testing.T) string {
	t.Helper()
	user := newIdentity(t, nkeys.CreateUser)
	seed, err := user.pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(i.encode(t, jwt.NewUserClaims(user.public)), seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
