package e2e

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// delayedNATS is a NATS server with JetStream behind a line that can be held up.
type delayedNATS struct {
	listener net.Listener
	gate     sync.RWMutex // held for writing while nothing passes
}

// startNATS starts a server with JetStream; it ends with the test.
func startNATS(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(startWithin) {
		t.Fatal("the NATS server does not get ready")
	}
	return s
}

// startDelayedNATS starts the server and the line to it; both end with the test.
func startDelayedNATS(t testing.TB) *delayedNATS {
	t.Helper()
	s, d := startNATS(t), new(delayedNATS)
	var err error
	if d.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.listener.Close() })
	go d.serve(s.Addr().String())
	return d
}

func (d *delayedNATS) url() string { return "nats://" + d.listener.Addr().String() }
func (d *delayedNATS) hold()       { d.gate.Lock() }
func (d *delayedNATS) release()    { d.gate.Unlock() }

func (d *delayedNATS) serve(target string) {
	for {
		client, err := d.listener.Accept()
		if err != nil {
			return
		}
		upstream, err := net.Dial("tcp", target)
		if err != nil {
			_ = client.Close()
			return
		}
		go d.pass(client, upstream)
		go d.pass(upstream, client)
	}
}

// pass copies one direction until either side ends.
func (d *delayedNATS) pass(from, to net.Conn) {
	defer func() { _ = from.Close(); _ = to.Close() }()
	_, _ = io.Copy(&gated{to, &d.gate}, from) // the ends of the connections are told by their owners
}

// gated is a writer that waits while the gate is closed.
type gated struct {
	w    io.Writer
	gate *sync.RWMutex
}

func (g *gated) Write(p []byte) (int, error) {
	g.gate.RLock()
	defer g.gate.RUnlock()
	return g.w.Write(p)
}
