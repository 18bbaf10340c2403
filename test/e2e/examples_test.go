package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const exampleKey = "example-key-5d81c0f7a9e3"

// exampleGateway starts a gateway that asks subscribers for the issuer's tokens and publishers for exampleKey.
func exampleGateway(t *testing.T, i *issuer, data string) *gateway {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	writeFile(t, keys, "example:"+exampleKey+"\n")
	return i.start(t, map[string]string{"data": data, "publish-keys": keys})
}

// exampleToken is a token for the topics of the examples; changes are those of claims.
func exampleToken(i *issuer, changes ...string) string {
	grants := []string{"tickgate", `{"subscribe":["price.*","chat.1"],"publish":["chat.1"]}`}
	return i.hs.Sign(claims(append(grants, changes...)...))
}

// postExamples publishes messages from a number on, in turn to the topics of the examples.
func postExamples(t testing.TB, g *gateway, from, n int) []posted {
	t.Helper()
	list := make([]posted, n)
	for i := range list {
		p := posted{
			topic:   []string{"price.ACME", "chat.1", "price.EMCA"}[i%3],
			payload: fmt.Sprintf(`{"n":%d,"text":"[{\"ünïcode\": \\\"%s\\\"}, "}`, from+i, strings.Repeat("x", i)),
		}
		status, r := publish(t, g, p.topic, p.payload, bearer(exampleKey))
		if status != http.StatusOK {
			t.Fatalf("publish to %s: got status %d %s", p.topic, status, r.Error)
		}
		p.id = r.ID
		list[i] = p
	}
	return list
}

// TestExamples: every client of examples/ gets every message once and in order, although its connection is cut within a message and the gateway
// restarts, and tells when messages are gone for good.
func TestExamples(t *testing.T) {
	t.Parallel()
	i, data := newIssuer(t), t.TempDir()
	g := exampleGateway(t, i, data)
	var clients []*example
	var cables []*cable
	plug := func() string {
		c := newCable(t, g.Addr, 3000)
		cables = append(cables, c)
		return c.Addr().String()
	}
	for name, command := range exampleSubscribers(t) {
		clients = append(clients, startExample(t, name, command, plug(), exampleToken(i), "price.*", "chat.1"))
	}
	page := startExamplePage(t, plug(), exampleToken(i), "price.*", "chat.1")
	clients = append(clients, page.subscribers...)
	for _, client := range clients {
		client.says(t, "connected")
	}

	// An event stream that breaks before its first message has no id to resume from.
	list := postExamples(t, g, 0, 3)
	for _, client := range clients {
		client.has(t, list)
	}
	list = append(list, postExamples(t, g, 3, 37)...)
	for _, client := range clients {
		client.has(t, list)
	}
	for _, cable := range cables {
		if got := cable.broke(); got != 1 {
			t.Errorf("the connections of %s: got %d cuts, want 1", cable.Addr(), got)
		}
	}

	replace := func(data string) {
		g = exampleGateway(t, i, data)
		for _, cable := range cables {
			cable.behind.Store(&g.Addr)
		}
	}
	g.signal(t, syscall.SIGTERM)
	g.waitExit(t, stopWithin)
	replace(data)
	list = append(list, postExamples(t, g, 40, 20)...)
	for _, client := range clients {
		client.has(t, list)
	}

	g.kill(t)
	replace(t.TempDir()) // ids of another epoch
	list = append(list, postExamples(t, g, 60, 5)...)
	for _, client := range clients {
		client.has(t, list)
		client.says(t, "gap")
	}

	page.publish(t, "hello, from a page")
	event := openSSE(t, "http://"+g.Addr+"/sse?topic=chat.1&lastEventId="+list[len(list)-1].id, bearer(exampleToken(i))).wait(t, 1)[0]
	for _, client := range clients {
		payload := event.data
		if client.envelope {
			payload = `"` + payload + `"`
		}
		client.has(t, append(list[:len(list):len(list)], posted{"chat.1", event.id, payload}))
	}
}

// TestExamplesGiveUp: who is not let in says why and does not come again; so does a client whose token has expired.
func TestExamplesGiveUp(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	g := exampleGateway(t, i, t.TempDir())
	commands := exampleSubscribers(t)
	for _, tt := range []struct {
		name  string
		token func() string
		want  [2]string // one of the two
	}{
		{"no token", func() string { return "" }, [2]string{"given up: 401", "given up: 401"}},
		{"other topics", func() string { return exampleToken(i, "tickgate", `{"subscribe":["fx.*"]}`) }, [2]string{"given up: 403", "forbidden"}},
		{"expires", func() string { // who is so late that it has expired is not let in
			return exampleToken(i, "exp", fmt.Sprint(time.Now().Add(8*time.Second).Unix()))
		}, [2]string{"given up: 401", "token has expired"}},
	} {
		token := tt.token()
		clients := startExamplePage(t, g.Addr, token, "price.*", "chat.1").subscribers
		for name, command := range commands {
			clients = append(clients, startExample(t, name, command, g.Addr, token, "price.*", "chat.1"))
		}
		for _, client := range clients {
			if !holds(3*patience, client.gone) {
				t.Errorf("%s, %s: got no end; it says:\n%s", tt.name, client.name, tail(client.notes(), 20))
			}
			said := client.notes()
			if !strings.Contains(said, tt.want[0]) && !strings.Contains(said, tt.want[1]) {
				t.Errorf("%s, %s: got %q, want one of %q in it", tt.name, client.name, said, tt.want)
			}
		}
	}
}

// TestExamplesComeBackWhenTold: Retry-After, `retry:` and the reason of a close frame say when to come back, and nobody is earlier.
func TestExamplesComeBackWhenTold(t *testing.T) {
	t.Parallel()
	var clients []*example
	var servers []*moody
	for name, command := range exampleSubscribers(t) {
		m := newMoody(t)
		servers = append(servers, m)
		clients = append(clients, startExample(t, name, command, m.addr, "", "price.*"))
	}
	m := newMoody(t)
	servers = append(servers, m, m)
	clients = append(clients, startExamplePage(t, m.addr, "", "price.*").subscribers...)
	for n, client := range clients {
		path := "/sse"
		if client.envelope {
			path = "/ws"
		}
		if !holds(3*patience, func() bool { return len(servers[n].visits(path)) >= 3 }) {
			t.Fatalf("%s: got %d visits, want 3; it says:\n%s", client.name, len(servers[n].visits(path)), client.notes())
		}
		at := servers[n].visits(path)
		for k, least := range []time.Duration{moodyAfter, moodyRetry} {
			// Chromium counts in coarse time.
			if got := at[k+1].Sub(at[k]); got < least-50*time.Millisecond {
				t.Errorf("%s: got visit %d after %v, want it no earlier than told, %v", client.name, k+2, got, least)
			}
		}
	}
}

// TestExamplesPublish: every publisher of examples/ has each of its messages stored once, although its connection breaks before an answer.
func TestExamplesPublish(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	g := exampleGateway(t, i, t.TempDir())
	watch := openSSE(t, "http://"+g.Addr+"/sse?topic=chat.1", bearer(exampleToken(i)))
	var lines, objects bytes.Buffer
	for n := range 10 {
		fmt.Fprintf(&lines, "{\"n\":%d}\n", n)
		fmt.Fprintf(&objects, "{\"topic\":\"chat.1\",\"data\":{\"n\":%d}}\n", n)
	}
	curl, python := filepath.Join(exampleDir, "curl/publish.sh"), filepath.Join(exampleDir, "python/publish.py")
	need(t, "curl")
	seen := 0
	for _, tt := range []struct {
		name, addr string
		breakAfter int // within the answers of those that repeat
		command    []string
		stdin      string
		count      int
	}{
		{"curl", g.Admin, 100, []string{curl, "http://ADDR", "chat.1", `{"n":0}`}, "", 1},
		{"curl, lines", g.Admin, -1, []string{curl, "http://ADDR"}, objects.String(), 10},
		{"Python", g.Admin, 1000, []string{need(t, "python3"), python, "http://ADDR", "chat.1"}, lines.String(), 10},
		{"Go", g.Addr, 500, []string{filepath.Join(buildExamples(t), "publish"), "http://ADDR", "chat.1"}, lines.String(), 10},
	} {
		c := newCable(t, tt.addr, tt.breakAfter)
		for k, arg := range tt.command {
			tt.command[k] = strings.Replace(arg, "ADDR", c.Addr().String(), 1)
		}
		cmd := exec.CommandContext(t.Context(), tt.command[0], tt.command[1:]...)
		cmd.Env = append(os.Environ(), "TICKGATE_KEY="+exampleKey, "TICKGATE_TOKEN="+exampleToken(i))
		cmd.Stdin = strings.NewReader(tt.stdin)
		var trouble strings.Builder
		cmd.Stderr = &trouble
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v\n%s%s", tt.name, err, out, trouble.String())
		}
		if tt.breakAfter > 0 && c.broke() == 0 {
			t.Errorf("%s: the connection was not cut: got %d bytes of output", tt.name, len(out))
		}
		events := watch.wait(t, seen+tt.count)[seen:]
		for n, e := range events {
			if want := fmt.Sprintf(`{"n":%d}`, n); e.data != want || !strings.Contains(string(out), e.id) {
				t.Errorf("%s: got event %+v, want %s with an id that the client printed:\n%s", tt.name, e, want, out)
			}
		}
		seen += tt.count
	}
}
