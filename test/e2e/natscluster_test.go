package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsDir is where nats-server is, once it is built; TestMain removes it.
var natsDir string

// natsBinary builds nats-server from the module that the gateway embeds, once.
var natsBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tickgate-e2e-nats-")
	if err != nil {
		return "", err
	}
	natsDir = dir
	path := filepath.Join(dir, "nats-server")
	cmd := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// needNATS returns the path of a nats-server, or skips the test with the reason why there is none.
func needNATS(t testing.TB) string {
	t.Helper()
	path, err := natsBinary()
	if err != nil {
		missing(t, fmt.Sprintf("nats-server cannot be built from the module in go.mod: %v", err))
	}
	return path
}

// natsServer is a nats-server process that can be killed and started again on its files.
type natsServer struct {
	port, http int
	config     string // its file
	cmd        *exec.Cmd
	log        *logBuffer
	exited     chan struct{}
}

// url returns where clients reach the server.
func (s *natsServer) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", s.port) }

// start starts the process. It is killed when the test ends.
func (s *natsServer) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command(needNATS(t), "-c", s.config)
	s.log, s.exited = &logBuffer{}, make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start nats-server: %v", err)
	}
	cmd, exited := s.cmd, s.exited
	go func() {
		_ = cmd.Wait() // it is killed sooner or later
		close(exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
	})
}

// kill ends the process with SIGKILL.
func (s *natsServer) kill(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatalf("kill nats-server: %v", err)
	}
	<-s.exited
}

// waitHealthy waits until the server has caught up with the others.
func (s *natsServer) waitHealthy(t testing.TB) {
	t.Helper()
	url := fmt.Sprintf("http://127.0.0.1:%d/healthz", s.http)
	if !holds(clusterPatience, func() bool { return statusOf(url) == http.StatusOK }) {
		t.Fatalf("nats-server is not healthy within %v; its log ends with:\n%s", clusterPatience, tail(s.log.String(), 30))
	}
}

// clusterPatience bounds everything that a cluster does: elections take 4 to 9 s each on an idle machine.
const clusterPatience = 2 * time.Minute

// natsCluster is several servers that make one system.
type natsCluster []*natsServer

// startNATSCluster starts three servers with JetStream in files and waits until all of them are healthy.
func startNATSCluster(t testing.TB) natsCluster {
	t.Helper()
	return startNATSServers(t, 3, "")
}

// startNATSServers starts n servers, which are a cluster if they are several. More is added to the configuration of each.
func startNATSServers(t testing.TB, n int, more string) natsCluster {
	t.Helper()
	needNATS(t)
	dir, ports := t.TempDir(), freePorts(t, 3*n)
	routes := make([]string, n)
	for i := range routes {
		routes[i] = fmt.Sprintf("nats://127.0.0.1:%d", ports[2*n+i])
	}
	var c natsCluster
	for i := range n {
		s := &natsServer{port: ports[i], http: ports[n+i], config: filepath.Join(dir, fmt.Sprintf("n%d.conf", i))}
		text := fmt.Sprintf("server_name: n%d\nlisten: \"127.0.0.1:%d\"\nhttp: \"127.0.0.1:%d\"\njetstream { store_dir: %q }\n%s\n",
			i, s.port, s.http, filepath.Join(dir, fmt.Sprint("js", i)), more)
		if n > 1 {
			text += fmt.Sprintf("cluster { name: test, listen: \"127.0.0.1:%d\", routes: [%s] }\n", ports[2*n+i], strings.Join(routes, ", "))
		}
		if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.start(t)
		c = append(c, s)
	}
	for _, s := range c {
		s.waitHealthy(t)
	}
	return c
}

// urls returns the value of --nats.
func (c natsCluster) urls() string {
	urls := make([]string, len(c))
	for i, s := range c {
		urls[i] = s.url()
	}
	return strings.Join(urls, ",")
}

// jetStream connects to the servers.
func (c natsCluster) jetStream(t testing.TB) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(c.urls())
	if err != nil {
		t.Fatalf("connect to the cluster: %v", err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// freePorts returns ports that nobody listens on. They are below those that the kernel gives to outgoing connections, so
// that a server that was killed finds its port free again.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	const low, high = 12_000, 32_000
	for tries := 0; len(ports) < n; tries++ {
		if tries > 1000 {
			t.Fatalf("found %d free ports from %d to %d, want %d", len(ports), low, high, n)
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", low+rand.IntN(high-low)))
		if err != nil {
			continue
		}
		defer l.Close() // at the end, so that no port comes twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
