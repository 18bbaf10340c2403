package admin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childSocket names the socket on which this test binary serves as a worker, if it is set.
const childSocket = "TICKGATE_ADMIN_TEST_SOCKET"

func TestMain(m *testing.M) {
	if path := os.Getenv(childSocket); path != "" {
		if err := beWorker(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// beWorker serves on a unix socket until standard input ends, holding memory and burning time that
// profiles must show.
func beWorker(path string) error {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	held := holdMemory()
	go burn()
	go func() { _ = http.Serve(listener, WorkerHandler(Process{Metrics: page("a 1\n")})) }()
	_, err = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(held)
	return err
}

//go:noinline
func holdMemory() []byte { return make([]byte, 32<<20) }

//go:noinline
func burn() {
	for {
		for range 1 << 20 {
		}
		time.Sleep(time.Millisecond) // half of a processor is enough
	}
}

// remote is a worker in a process of its own.
type remote struct {
	name   string
	client *http.Client
}

func (r remote) Name() string { return r.name }

func (r remote) Get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://worker"+path, nil)
	if err != nil {
		return nil, err
	}
	return r.client.Do(req)
}

// startRemote starts this test binary as a worker and waits until it answers.
func startRemote(t *testing.T, name string) Worker {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childSocket+"="+socket)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("worker %s: %v", name, err)
		}
	})
	w := remote{name, &http.Client{Transport: transport}}
	eventually(t, "worker "+name+" answers", func() bool {
		_, err := fetch(t.Context(), w, "/metrics", maxMetrics)
		return err == nil
	})
	return w
}

// eventually polls a condition for up to a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// page is a handler that always answers the same.
func page(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
}

// concat stands in for metrics.Merge.
func concat(pages []Page) ([]byte, error) {
	var all strings.Builder
	for _, p := range pages {
		fmt.Fprintf(&all, "%s: %s err=%v\n", p.Worker, strings.TrimSpace(string(p.Body)), p.Err)
	}
	return []byte(all.String()), nil
}

// start runs a Server over workers until the test ends, and returns its base URL.
func start(t *testing.T, cfg Config, workers ...Worker) (*Server, string) {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	cfg.Workers = func() []Worker { return workers }
	cfg.MergeMetrics = concat
	if cfg.Readiness == nil {
		cfg.Readiness = NewReadiness()
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: got %v, want nil after Shutdown", err)
		}
	})
	return s, "http://" + s.Addr().String()
}

// get returns the answer to a GET and its whole body.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %s: %v", url, err)
	}
	return resp, string(body)
}
