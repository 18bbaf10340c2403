package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// result is the gateway's answer for one message.
type result struct {
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
	Error     string `json:"error"`
}

// publish sends one message over HTTP.
func publish(t testing.TB, g *gateway, topic, payload string, header http.Header) (int, result) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.Admin+"/v1/topics/"+topic, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var r result
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		t.Fatalf("publish to %s: got status %d and a body that is no result: %v", topic, resp.StatusCode, err)
	}
	return resp.StatusCode, r
}

// TestPublish: what is published over HTTP is delivered as it was, once.
func TestPublish(t *testing.T) {
	t.Parallel()
	for _, workers := range []string{"auto", "2"} {
		t.Run("workers "+workers, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "default-topic": "a", "workers": workers, "data": t.TempDir(), "data-sync": "always"}})
			s := openSSE(t, "http://"+g.Addr+"/sse?topic=a", nil)
			order := http.Header{"Nats-Msg-Id": {"order-7"}, "Tickgate-Event": {"order"}}
			status, first := publish(t, g, "a", `{"n":1}`, order)
			if status != http.StatusOK || first.Duplicate || first.ID == "" {
				t.Fatalf("got %d %+v for a new message", status, first)
			}
			if status, again := publish(t, g, "a", `{"n":1}`, order); status != http.StatusOK || !again.Duplicate || again.ID != first.ID {
				t.Errorf("got %d %+v for the same message id, want a duplicate of %s", status, again, first.ID)
			}
			_, second := publish(t, g, "a", "two\nlines", nil)
			events := s.wait(t, 2)
			if e := events[0]; e.id != first.ID || e.kind != "order" || e.data != `{"n":1}` {
				t.Errorf("got %+v, want %s as published", e, first.ID)
			}
			if e := events[1]; e.id != second.ID || e.data != "two\nlines" {
				t.Errorf("got %+v, want %s as published: the duplicate is not delivered", e, second.ID)
			}
			if status, r := publish(t, g, "a.*", "x", nil); status != http.StatusBadRequest || r.Error != "bad_topic" {
				t.Errorf("got %d %+v for a wildcard", status, r)
			}
			if status, r := publish(t, g, "a", strings.Repeat("x", 64<<10+1), nil); status != http.StatusRequestEntityTooLarge || r.Error != "too_large" {
				t.Errorf("got %d %+v for a payload beyond --max-message", status, r)
			}
		})
	}
}

// TestPublishPipelineWithCurl: curl is what most people publish with.
func TestPublishPipelineWithCurl(t *testing.T) {
	t.Parallel()
	curl := need(t, "curl")
	g := startGateway(t, setup{flags: map[string]string{"feed": "none"}})
	const lines = 20_000 // beyond any buffer on the way
	var body bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&body, `{"topic":"price.%d","data":{"n":%d}}`+"\n", i%100, i)
	}
	for _, args := range [][]string{{"--data-binary", "@-"}, {"-X", "POST", "-T", "-"}} {
		cmd := exec.CommandContext(t.Context(), curl, append(args, "-sSN", "--max-time", "60", "http://"+g.Admin+"/v1/messages")...)
		cmd.Stdin = bytes.NewReader(body.Bytes())
		out, err := cmd.Output()
		if n := bytes.Count(out, []byte(`"duplicate":false}`)); n != lines || err != nil {
			t.Errorf("curl %v: got %d results, %v, want %d", args, n, err, lines)
		}
	}
}

// TestPublishCommand: `gateway publish` for one message and for lines, with its exit status.
func TestPublishCommand(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed": "none", "default-topic": "a"}})
	s := openSSE(t, "http://"+g.Addr+"/sse?topic=a", nil)
	tests := []struct {
		name, stdin string
		args        []string
		code        int
		stdout      string
		stderr      string
	}{
		{"argument", "", []string{"a", "one"}, 0, `"duplicate":false`, ""},
		{"standard input", "two", []string{"a", "--event", "e", "--msg-id", "m"}, 0, `"duplicate":false`, ""},
		{"lines", `{"topic":"a","data":"three"}` + "\n" + `{"topic":"a","data":"two","msgid":"m"}`, []string{"--ndjson", "-"}, 0, "", "1 stored, 1 duplicates, 0 failed"},
		{"results", `{"topic":"a","data":"four"}`, []string{"--ndjson", "-", "--results", "--rate", "100"}, 0, `"id"`, "1 stored"},
		{"a bad line", "x", []string{"--ndjson=-"}, 1, "", `line 1: {"error":"bad_request"`},
		{"a bad topic", "", []string{"a.*", "x"}, 1, "", "bad_topic"},
		{"no topic", "", nil, 2, "", "TOPIC"},
		{"no gateway", "", []string{"a", "x", "--admin", "127.0.0.1:1"}, 1, "", "is a gateway running"},
	}
	for _, tt := range tests {
		args := append([]string{"publish", "--admin", "http://" + g.Admin}, tt.args...)
		cmd := exec.CommandContext(t.Context(), binaries.gateway, args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(tt.stdin), &stdout, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%s: got exit code %d, want %d\n%s%s", tt.name, code, tt.code, &stdout, &stderr)
		}
	}
	want := []string{"one", "two", "three", "four"}
	for i, e := range s.wait(t, len(want)) {
		if e.data != want[i] {
			t.Errorf("got %q as message %d, want %q", e.data, i, want[i])
		}
	}
}

// TestPublishThroughCrash: the gateway is killed in the middle of a pipeline at full speed. Everything that it had
// acknowledged is there afterwards, under the same ids, in order and once.
func TestPublishThroughCrash(t *testing.T) {
	t.Parallel()
	for _, sync := range []string{"1s", "always"} {
		t.Run("data-sync "+sync, func(t *testing.T) {
			t.Parallel()
			flags := map[string]string{
				"data": t.TempDir(), "data-sync": sync, "feed": "none", "default-topic": "a", "ring": "1048576",
			}
			g := startGateway(t, setup{flags: flags})
			p := startPublisher(t, g)
			eventually(t, patience, "20,000 acknowledgements", func() bool { return p.acknowledged() >= 20_000 })
			g.kill(t)
			acked := p.wait(t)
			if p.sent() <= len(acked) {
				t.Fatalf("got %d messages sent and %d acknowledged: the kill came after the load", p.sent(), len(acked))
			}

			again := startGateway(t, setup{flags: flags})
			stored := openSSE(t, "http://"+again.Addr+"/sse?topic=a&lastEventId="+acked[0], nil).wait(t, len(acked)-1)
			for i, e := range stored {
				want := fmt.Sprintf(`{"n":%d}`, i+1)
				if e.id != acked[i+1] || e.data != want {
					t.Fatalf("got %s %s, acknowledged was %s %s", e.id, e.data, acked[i+1], want)
				}
			}
			t.Logf("%d of %d messages were acknowledged when the gateway was killed", len(acked), p.sent())
			checkTail(t, again, p, acked)
		})
	}
}

// checkTail looks at what was stored without an acknowledgement: messages may be, but in order and once.
func checkTail(t testing.TB, g *gateway, p *publisher, acked []string) {
	t.Helper()
	s := openSSE(t, "http://"+g.Addr+"/sse?topic=a&lastEventId="+acked[len(acked)-1], nil)
	if status, _ := publish(t, g, "a", "end", nil); status != http.StatusOK {
		t.Fatalf("got status %d after the restart", status)
	}
	for n := len(acked); ; n++ {
		e := s.wait(t, n-len(acked)+1)[n-len(acked)]
		if e.data == "end" {
			return
		}
		if want := fmt.Sprintf(`{"n":%d}`, n); e.data != want || n >= p.sent() {
			t.Fatalf("got %s after the last acknowledged message, want %s or the end", e.data, want)
		}
	}
}

// TestPublishKeys: a private listener beyond loopback takes nothing without keys, and with keys everybody has to bring one,
// on loopback as well.
func TestPublishKeys(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("ci:"+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bearer := http.Header{"Authorization": {"Bearer " + key}}
	wrong := http.Header{"Authorization": {"Bearer 0" + key}}
	tests := []struct {
		name, admin, keys     string
		without, wrong, right int // status
	}{
		{"network, no keys", "0.0.0.0:0", "-", 403, 403, 403},
		{"network, keys", "0.0.0.0:0", file, 401, 401, 200},
		{"loopback, no keys", "127.0.0.1:0", "-", 200, 200, 200},
		{"loopback, keys", "127.0.0.1:0", file, 401, 401, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, setup{flags: map[string]string{"feed": "none", "admin": tt.admin, "publish-keys": tt.keys}})
			for _, try := range []struct {
				name   string
				header http.Header
				want   int
			}{{"without a key", nil, tt.without}, {"with a wrong key", wrong, tt.wrong}, {"with a key", bearer, tt.right}} {
				if status, r := publish(t, g, "a", "x", try.header); status != try.want {
					t.Errorf("%s: got %d %+v, want status %d", try.name, status, r, try.want)
				}
			}
			cmd := exec.CommandContext(t.Context(), binaries.gateway, "publish", "--admin", g.Admin, "a", "y")
			cmd.Env = append(os.Environ(), "TICKGATE_KEY="+key)
			if out, err := cmd.CombinedOutput(); (err == nil) != (tt.right == http.StatusOK) {
				t.Errorf("gateway publish: got %v, want it to fare like curl\n%s", err, out)
			}
			if strings.Contains(g.log.String(), key) {
				t.Error("got the key in the log")
			}
		})
	}
}

// TestPublishKeysOfTopics: a key grants the topics that stand behind it, and a SIGHUP brings in other keys. A file that cannot
// serve changes nothing.
func TestPublishKeysOfTopics(t *testing.T) {
	t.Parallel()
	const feed, ci = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	file := filepath.Join(t.TempDir(), "keys")
	rewrite(t, file, "feed:"+feed+" price.* fx.>\n")
	g := startGateway(t, setup{flags: map[string]string{"feed": "none", "publish-keys": file}})
	expect := func(key, topic string, want int) {
		t.Helper()
		if status, _ := publish(t, g, topic, "x", http.Header{"Authorization": {"Bearer " + key}}); status != want {
			t.Errorf("%.4s… publishes to %s: got status %d, want %d", key, topic, status, want)
		}
	}
	expect(feed, "price.A", 200)
	expect(feed, "orders.1", 403)
	expect(ci, "orders.1", 401)
	rewrite(t, file, "feed:short\n")
	g.signal(t, syscall.SIGHUP)
	eventually(t, patience, "complaint about bad keys", func() bool { return strings.Contains(g.log.String(), "settings stay as they are") })
	expect(feed, "price.A", 200)
	rewrite(t, file, "ci:"+ci+"\nfeed:"+feed+" fx.>\n")
	g.signal(t, syscall.SIGHUP)
	eventually(t, patience, "new keys", func() bool { return strings.Contains(g.log.String(), "settings of topics read again") })
	expect(feed, "price.A", 403)
	expect(feed, "fx.EUR", 200)
	expect(ci, "orders.1", 200)
	if log := g.log.String(); strings.Contains(log, feed) || strings.Contains(log, ci) {
		t.Error("got a key in the log")
	}
}
