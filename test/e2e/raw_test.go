package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answer is what came back on a raw connection.
type answer struct {
	status int
	header http.Header
	body   string
	close  bool  // the answer says Connection: close
	end    error // what the read behind the answer returned; nil is a proper end (FIN)
}

// dialRaw opens a TCP connection whose reads and writes end after two minutes at the latest.
func dialRaw(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// write sends bytes as they are.
func write(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatalf("write %.40q…: %v", text, err)
	}
}

// readAnswer reads one HTTP answer and then to the end of the connection.
func readAnswer(conn net.Conn, method string) (answer, error) {
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		return answer{}, fmt.Errorf("read the answer's head: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return answer{}, fmt.Errorf("read the answer's body: %w", err)
	}
	rest, err := io.ReadAll(in)
	if len(rest) > 0 {
		err = fmt.Errorf("got %d bytes behind the answer: %.40q", len(rest), rest)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body), close: resp.Close, end: err}, nil
}

// exchange sends a request and reads the answer and the connection's end.
func exchange(t testing.TB, addr, request string) answer {
	t.Helper()
	conn := dialRaw(t, addr)
	write(t, conn, request)
	method, _, _ := strings.Cut(request, " ")
	got, err := readAnswer(conn, method)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// checkError checks a refusal as protocol.md describes it: a JSON body, and a connection that is closed without a reset.
func checkError(t testing.TB, got answer) {
	t.Helper()
	var body struct{ Error, Message string }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Error == "" || body.Message == "" {
		t.Errorf(`got body %q (%v), want {"error":…,"message":…}`, got.body, err)
	}
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("got Content-Type %q, want application/json", kind)
	}
	if !got.close {
		t.Error("got no Connection: close, but every refusal ends the connection")
	}
	if got.end != nil {
		t.Errorf("behind the answer: got %v, want the end of the connection (FIN)", got.end)
	}
}
