package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/trial"
)

// TestChromiumDrain: a browser's EventSource whose request arrives while the gateway drains comes back, to the gateway that is there then.
func TestChromiumDrain(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 5*time.Second, func(t testing.TB, drain time.Duration) {
		chromium := need(t, "chromium")
		first := startGateway(t, setup{flags: map[string]string{"drain": drain.String()}})
		second := startGateway(t, setup{})
		front, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = front.Close() })
		go stopMidway(t, front, first, second)
		reports := make(chan string, 1)
		mux := http.NewServeMux()
		mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "chromium_drain_page.html") })
		mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			reports <- string(body)
		})
		server := httptest.NewServer(mux)
		defer server.Close()
		browse(t, chromium, server.URL+"/page?gateway="+front.Addr().String())
		select {
		case got := <-reports:
			if !strings.HasPrefix(got, "tick ") {
				t.Errorf("got %q, want a tick of the second gateway", got)
			}
		case <-time.After(2 * patience):
			t.Fatal("got no report from the page within two minutes")
		}
	})
}

// stopMidway stands before two gateways. It stops the first one between the halves of the first request, and leads whoever comes later to the second.
func stopMidway(t testing.TB, front net.Listener, first, second *gateway) {
	for stopped := false; ; stopped = true {
		client, err := front.Accept()
		if err != nil {
			return // the test is over
		}
		if stopped {
			go relay(client, second.Addr, nil)
			continue
		}
		relay(client, first.Addr, func() {
			if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			if !holds(patience, func() bool { return statusOf("http://"+first.Addr+"/sse") == 0 }) {
				t.Error("the first gateway still lets clients in a minute after SIGTERM")
			}
		})
	}
}

// relay connects a client with a gateway until one of them ends. Midway is called between the halves of what the client sends first.
func relay(client net.Conn, addr string, midway func()) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if midway != nil {
		head := make([]byte, 16<<10)
		n, _ := client.Read(head)
		half := bytes.IndexByte(head[:n], '\n') + 1
		_, _ = server.Write(head[:half])
		midway()
		_, _ = server.Write(head[half:n])
	}
	go func() { _, _ = io.Copy(server, client) }()
	_, _ = io.Copy(client, server)
}
