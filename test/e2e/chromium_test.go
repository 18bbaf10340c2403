package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// browserReport is what chromium_page.html posts.
type browserReport struct {
	EventSource []string
	IDs         []string
	WebSocket   []string
	Fetched     string
	CloseCode   int
	Clean       bool
	Errors      []string
}

// TestChromium lets a page in a real browser subscribe in the three ways a page has.
func TestChromium(t *testing.T) {
	t.Parallel()
	chromium := need(t, "chromium")
	g := startGateway(t, setup{})
	reports := make(chan browserReport, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "chromium_page.html") })
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var report browserReport
		if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
			t.Errorf("the page's report: %v", err)
		}
		reports <- report
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	browse(t, chromium, server.URL+"/page?gateway="+g.Addr)
	select {
	case report := <-reports:
		checkReport(t, report)
	case <-time.After(2 * patience):
		t.Fatal("got no report from the page within two minutes")
	}
}

// browse opens the page in a headless Chromium with a fresh profile; the browser is gone when the test ends.
func browse(t testing.TB, chromium, url string) {
	t.Helper()
	output := &logBuffer{}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-breakpad", "--no-first-run",
		"--no-proxy-server", "--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), url)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // killed: it cannot end well
		// Its children hold the profile's files open; TempDir is removed after this.
		holds(patience, func() bool { return syscall.Kill(-cmd.Process.Pid, 0) != nil })
		if t.Failed() {
			t.Logf("chromium printed:\n%s", tail(output.String(), 20))
		}
	})
}

func checkReport(t testing.TB, report browserReport) {
	t.Helper()
	for _, trouble := range report.Errors {
		t.Errorf("got an error in the page: %s", trouble)
	}
	if len(report.EventSource) != 5 || len(report.WebSocket) != 5 {
		t.Errorf("got %d ticks by EventSource and %d by WebSocket, want 5 each", len(report.EventSource), len(report.WebSocket))
	}
	checkTicks(t, report.EventSource)
	checkTicks(t, report.WebSocket)
	events := make([]event, len(report.IDs))
	for i, id := range report.IDs {
		events[i].id = id
	}
	checkIDs(t, events)
	if report.CloseCode != 1000 || !report.Clean {
		t.Errorf("WebSocket: got close code %d, clean %v, want a clean 1000", report.CloseCode, report.Clean)
	}
	if !strings.Contains(report.Fetched, "event: gap\n") || !strings.Contains(report.Fetched, "data:") {
		t.Errorf("fetch with the id of another epoch: got %q, want an event: gap and data", report.Fetched)
	}
}
