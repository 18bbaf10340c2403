package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// monitor is a real Prometheus that scrapes a gateway every two seconds and judges by the shipped rules, without the times that a condition
// must last: those are promtool's to test, which has a clock of its own.
type monitor struct {
	url    string
	client http.Client
}

var (
	lasting   = regexp.MustCompile(`(?m)^ +for: .*\n`)
	listensOn = regexp.MustCompile(`msg="Listening on" address=(\S+)`)
)

// startPrometheus starts it on a port of the kernel's choice; it ends with the test.
func startPrometheus(t testing.TB, g *gateway) *monitor {
	t.Helper()
	program, dir := need(t, "prometheus"), t.TempDir()
	rules := lasting.ReplaceAllString(deployed(t, "prometheus/tickgate.rules.yml"), "")
	writeFile(t, filepath.Join(dir, "rules.yml"), rules)
	writeFile(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf(`
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s, external_labels: {runbook: "https://docs/runbook.md"}}
rule_files: [rules.yml]
scrape_configs: [{job_name: tickgate, static_configs: [{targets: ["%s"]}]}]
`, g.Admin))
	log := startDaemon(t, program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	m := &monitor{url: "http://" + addressOf(t, log), client: http.Client{Timeout: 20 * time.Second}}
	t.Cleanup(m.client.CloseIdleConnections)
	eventually(t, patience, "scrape of the gateway", func() bool { v, ok := m.value(t, `up{job="tickgate"}`); return ok && v == 1 })
	return m
}

// startDaemon starts a program that runs until the test ends, and returns what it prints.
func startDaemon(t testing.TB, line ...string) *logBuffer {
	t.Helper()
	cmd, log := exec.Command(line[0], line[1:]...), &logBuffer{}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = log, log, 5*time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", line[0], err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // its data goes with the test's folder
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", line[0], tail(log.String(), 20))
		}
	})
	return log
}

// addressOf waits for the line in which Prometheus' programs tell the port they got.
func addressOf(t testing.TB, log *logBuffer) (addr string) {
	t.Helper()
	eventually(t, patience, "line that tells the address", func() bool {
		if found := listensOn.FindStringSubmatch(log.String()); found != nil {
			addr = found[1]
		}
		return addr != ""
	})
	return addr
}

// deployed returns a file of the folder deploy.
func deployed(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// value returns the first finite number that a query finds now. A query that Prometheus refuses fails the test.
func (m *monitor) value(t testing.TB, query string) (float64, bool) {
	t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if !m.get(t, "/api/v1/query?query="+url.QueryEscape(query), &answer) {
		return 0, false
	}
	for _, series := range answer.Data.Result {
		text, _ := series.Value[1].(string)
		if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v, true
		}
	}
	return 0, false
}

// firing returns the names of the alerts whose condition holds, each with its summary.
func (m *monitor) firing(t testing.TB) map[string]string {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels, Annotations map[string]string
			}
		}
	}
	m.get(t, "/api/v1/alerts", &answer)
	found := map[string]string{}
	for _, alert := range answer.Data.Alerts {
		found[alert.Labels["alertname"]] = alert.Annotations["summary"]
	}
	return found
}

// get decodes the answer to a request; false while Prometheus does not serve yet.
func (m *monitor) get(t testing.TB, path string, into any) bool {
	t.Helper()
	resp, err := m.client.Get(m.url + path)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusBadRequest {
		t.Fatalf("Prometheus refuses %s", path)
	}
	if resp.StatusCode != http.StatusOK {
		return false
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return true
}

// promtool runs a program that checks files and fails the test with what it prints.
func promtool(t testing.TB, line ...string) {
	t.Helper()
	if got := runToEnd(t, 2*time.Minute, line...); got.code != 0 {
		t.Errorf("%s:\n%s", strings.Join(line, " "), got.output)
	}
}
