package admin

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// TestConnectionsAreBounded: connections beyond the bound wait until others end, and take no descriptor of the gateway meanwhile.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s, base := start(t, Config{}, Local("0", process("a 1\n")))
	held := make([]net.Conn, maxConns)
	for i := range held {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		held[i] = conn
	}
	client := http.Client{Timeout: 300 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	url := base + "/healthz"
	if resp, err := client.Get(url); err == nil {
		resp.Body.Close()
		t.Errorf("got status %d beside %d connections, want it to wait", resp.StatusCode, maxConns)
	}
	for _, conn := range held {
		conn.Close()
	}
	client.Timeout = time.Minute
	resp, err := client.Get(url)
	if err != nil {
		t.Fatalf("got %v once the others were gone, want an answer", err)
	}
	resp.Body.Close()
}
