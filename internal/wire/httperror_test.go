package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

func TestAppendHTTPError(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   HTTPError
		want string
	}{
		{
			"plain",
			HTTPError{Status: 404, Code: "not_found", Message: "no such endpoint"},
			"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 51\r\n" +
				"Connection: close\r\n\r\n" + `{"error":"not_found","message":"no such endpoint"}` + "\n",
		},
		{
			"capacity, rounded up",
			HTTPError{Status: 503, Code: "draining", Message: "later", RetryAfter: 1001 * time.Millisecond},
			"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 39\r\n" +
				"Retry-After: 2\r\nConnection: close\r\n\r\n" + `{"error":"draining","message":"later"}` + "\n",
		},
		{
			"method",
			HTTPError{Status: 405, Code: "m", Message: "n", Allow: "GET"},
			"HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 28\r\n" +
				"Allow: GET\r\nConnection: close\r\n\r\n" + `{"error":"m","message":"n"}` + "\n",
		},
		{
			"version",
			HTTPError{Status: 426, Code: "v", Message: "\"\x00\""},
			"HTTP/1.1 426 Upgrade Required\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 37\r\n" +
				"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n\r\n" +
				`{"error":"v","message":"\"\u0000\""}` + "\n",
		},
		{
			"a status of somebody else's",
			HTTPError{Status: 418, Code: "t", Message: "t"},
			"HTTP/1.1 418 Error\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 28\r\n" +
				"Connection: close\r\n\r\n" + `{"error":"t","message":"t"}` + "\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := string(AppendHTTPError(nil, &tc.in)); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// TestHTTPErrorsAreReadable feeds every refusal to net/http's client, and the head alone as the answer to HEAD.
func TestHTTPErrorsAreReadable(t *testing.T) {
	for _, e := range append([]*HTTPError{errTarget, errConnect, errHeadTooLong, errVersion, errCoding, ErrUpgradeRequired}, faultErrors[1+faultMore:]...) {
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(AppendHTTPError(nil, e))), nil)
		if err != nil {
			t.Fatalf("%v: %v", e, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var got struct{ Error, Message string }
		if jerr := json.Unmarshal(body, &got); err != nil || jerr != nil {
			t.Fatalf("%v: body %q: %v, %v", e, body, err, jerr)
		}
		if resp.StatusCode != e.Status || got.Error != e.Code || got.Message != e.Message || resp.ContentLength != int64(len(body)) {
			t.Errorf("got %d %+v with %d bytes announced, want %v with %d", resp.StatusCode, got, resp.ContentLength, e, len(body))
		}
		r := bufio.NewReader(bytes.NewReader(AppendHTTPErrorHead(nil, e)))
		resp, err = http.ReadResponse(r, &http.Request{Method: http.MethodHead})
		if err != nil || resp.ContentLength != int64(len(body)) || r.Buffered() != 0 {
			t.Errorf("%v: head: got %d bytes announced, %d left, %v, want %d, 0, nil", e, resp.ContentLength, r.Buffered(), err, len(body))
		}
		_ = resp.Body.Close()
	}
}
