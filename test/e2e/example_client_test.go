package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/test/browser"
)

// exampleDir is where the clients are that a user would copy.
const exampleDir = "../../examples"

// example is a subscriber of examples/ that runs.
type example struct {
	name     string
	envelope bool          // it prints topics before ids
	addr     string        // where it connects to
	lines    func() string // the messages that it has printed
	notes    func() string // what else it has said
	gone     func() bool   // whether it has given up
}

// says waits until the example has said something.
func (e *example) says(t testing.TB, what string) {
	t.Helper()
	if !holds(3*patience, func() bool { return strings.Contains(e.notes(), what) }) {
		t.Fatalf("%s: got no %q; it says:\n%s", e.name, what, tail(e.notes(), 20))
	}
}

// printed returns what an example prints of messages.
func (e *example) printed(list []posted) string {
	var b strings.Builder
	for _, p := range list {
		if e.envelope {
			b.WriteString(p.topic + " ")
		}
		b.WriteString(p.id + " " + p.payload + "\n")
	}
	return b.String()
}

// has waits until the example has printed these messages. The test ends if it has not, or has printed another one, in another order, or one twice.
func (e *example) has(t testing.TB, list []posted) {
	t.Helper()
	want := e.printed(list)
	holds(3*patience, func() bool {
		got := e.lines()
		return len(got) >= len(want) || !strings.HasPrefix(want, got)
	})
	if got := e.lines(); got != want {
		t.Fatalf("%s: got\n%s\nwant\n%s\nit says:\n%s", e.name, got, want, tail(e.notes(), 20))
	}
}

// exampleSubscribers are the commands of the subscribers that are programs; each is followed by a URL and topics.
func exampleSubscribers(t testing.TB) map[string][]string {
	t.Helper()
	need(t, "curl")
	java := need(t, "java")
	return map[string][]string{
		"curl":           {filepath.Join(exampleDir, "curl/subscribe.sh")},
		"Python":         {need(t, "python3"), filepath.Join(exampleDir, "python/subscribe.py")},
		"Go":             {filepath.Join(buildExamples(t), "subscribe")},
		"Java WebSocket": {java, filepath.Join(exampleDir, "java/Subscribe.java")},
		"Java SSE":       {java, filepath.Join(exampleDir, "java/SubscribeEvents.java")},
	}
}

// buildExamples compiles the examples in Go and returns where they are.
func buildExamples(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+"/", "./...")
	cmd.Dir = filepath.Join(exampleDir, "go")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the examples: %v\n%s", err, out)
	}
	return dir
}

// startExample starts a subscriber that is a program; it is gone when the test ends.
func startExample(t testing.TB, name string, command []string, addr, token string, topics ...string) *example {
	t.Helper()
	line := append(append(command[:len(command):len(command)], "http://"+addr), topics...)
	stdout, stderr, exited := &logBuffer{}, &logBuffer{}, make(chan struct{})
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "TICKGATE_TOKEN="+token)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the example for %s: %v", name, err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is read from cmd.ProcessState
		close(exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children too
		<-exited
	})
	return &example{
		name: name, envelope: name == "Go" || name == "Java WebSocket", addr: addr, lines: stdout.String, notes: stderr.String,
		gone: func() bool {
			select {
			case <-exited:
				return cmd.ProcessState.ExitCode() == 1
			default:
				return false
			}
		},
	}
}

// examplePage is the example for browsers, with its two subscribers.
type examplePage struct {
	*browser.Page
	subscribers []*example
}

// publish lets the page publish a text to chat.1.
func (p examplePage) publish(t testing.TB, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Evaluate(ctx, fmt.Sprintf("form.text.value = %q, form.requestSubmit()", text), nil); err != nil {
		t.Fatal(err)
	}
}

// startExamplePage opens the example for browsers.
func startExamplePage(t testing.TB, addr, token string, topics ...string) examplePage {
	t.Helper()
	b, err := browser.Start(need(t, "chromium"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if output := b.Close(); t.Failed() {
			t.Logf("chromium printed:\n%s", tail(output, 20))
		}
	})
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(exampleDir, "browser"))))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	page, err := b.Open(ctx, browser.View{Width: 1280, Height: 900})
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"gateway": {"http://" + addr}, "topic": topics, "publish": {"chat.1"}}
	if token != "" {
		query.Set("token", token)
	}
	if err := page.Load(ctx, server.URL+"/?"+query.Encode()); err != nil {
		t.Fatal(err)
	}
	return examplePage{page, []*example{
		pageExample(t, page, "EventSource", addr, "events"),
		pageExample(t, page, "WebSocket in a browser", addr, "envelopes"),
	}}
}

// pageExample is one of the two subscribers of the page. What it prints and what it says are in the same element.
func pageExample(t testing.TB, page *browser.Page, name, addr, id string) *example {
	read := func(of string) (text string) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := page.Evaluate(ctx, "document.getElementById('"+of+"')?.textContent ?? ''", &text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return text
	}
	isNote := func(line string) bool { return strings.HasPrefix(line, "gap: ") || strings.HasPrefix(line, "error: ") }
	return &example{
		name: name, envelope: id == "envelopes", addr: addr,
		lines: func() string { return pick(read(id), func(line string) bool { return !isNote(line) }) },
		notes: func() string { return pick(read(id), isNote) + read(id+"-state") },
		gone:  func() bool { return strings.HasPrefix(read(id+"-state"), "given up: ") },
	}
}

// pick returns the lines of a text that are wanted.
func pick(text string, wanted func(line string) bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if wanted(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}
