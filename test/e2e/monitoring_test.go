package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const deploy = "../../deploy/"

// TestMonitoringFiles: the tools of Prometheus find no fault in the shipped files, and each alert fires in time in promtool's own clock.
func TestMonitoringFiles(t *testing.T) {
	t.Parallel()
	tool := need(t, "promtool")
	promtool(t, tool, "check", "rules", deploy+"prometheus/tickgate.rules.yml")
	promtool(t, tool, "check", "config", deploy+"prometheus/prometheus.yml")
	promtool(t, tool, "test", "rules", deploy+"prometheus/tickgate.rules.test.yml")
	promtool(t, need(t, "amtool"), "check-config", deploy+"alertmanager/alertmanager.yml")
}

// TestDashboardQueries: every query of the Grafana dashboard finds numbers in a Prometheus that scrapes a gateway at work.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1", "feed-interval": "200ms"}})
	m := startPrometheus(t, g)
	startSwarm(t, nil, "http://"+g.Addr, "--conns=100", "--churn=5", "--hold=10m")
	queries := dashboardQueries(t)
	if len(queries) < 30 {
		t.Fatalf("got %d queries in the dashboard, want all of its panels'", len(queries))
	}
	open := maps.Clone(queries)
	holds(2*time.Minute, func() bool {
		statusOf("http://" + g.Addr + "/nowhere")                            // a refusal
		_ = statusOf("http://" + g.Admin + "/debug/pprof/heap?gc=1&debug=1") // a collection
		maps.DeleteFunc(open, func(query, _ string) bool { _, ok := m.value(t, query); return ok })
		return len(open) == 0
	})
	for query, panel := range open {
		t.Errorf("panel %q: got no data from %s", panel, query)
	}
}

// dashboardQueries returns the panels' queries, by the query, with Grafana's variables replaced.
func dashboardQueries(t testing.TB) map[string]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(deployed(t, "grafana/tickgate.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries[strings.NewReplacer("$__rate_interval", "30s", "$instance", ".*").Replace(target.Expr)] = panel.Title
		}
	}
	return queries
}

// ofSpeed are the alerts about a machine that is too slow, which the one that runs the tests may well be.
var ofSpeed = []string{
	"TickgateFanoutSlow", "TickgateSkipping", "TickgateFeedLate", "TickgateLoopSaturated", "TickgateGCPauses",
	"TickgateLoopStuck", "TickgateWorkerDown", "TickgateDown",
} // the last three: a scrape that comes too late

// TestAlerts: a gateway that is well raises no alert; each fault that can be made here in seconds raises its own.
func TestAlerts(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1", "max-conns": "300", "feed-interval": "200ms"}})
	m := startPrometheus(t, g)
	startSwarm(t, nil, "http://"+g.Addr, "--conns=200", "--hold=10m")
	eventually(t, patience, "sight of 200 clients", func() bool { n, ok := m.value(t, `sum(tickgate_connections{state="open"})`); return ok && n == 200 })
	watched := time.Now().Add(5 * time.Second)
	holds(10*time.Second, func() bool {
		for alert, summary := range m.firing(t) {
			if !slices.Contains(ofSpeed, alert) {
				t.Fatalf("a gateway that is well raises %s: %s", alert, summary)
			}
		}
		return time.Now().After(watched)
	})
	raises := func(alert string) {
		t.Helper()
		eventually(t, patience, alert, func() bool { _, ok := m.firing(t)[alert]; return ok })
	}

	startSwarm(t, nil, "http://"+g.Addr, "--conns=200", "--hold=10m")
	raises("TickgateNearCapacity")
	raises("TickgateRefusing")

	if err := syscall.Kill(g.workers()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	raises("TickgateWorkerRestarted")
	g.kill(t)
	raises("TickgateDown")
}

// TestAlertsOfClients: clients that break the protocol, and a good part of them leaving at once.
func TestAlertsOfClients(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"feed-interval": "200ms"}})
	m := startPrometheus(t, g)
	clients := make([]*net.TCPConn, 150)
	for i := range clients {
		clients[i] = dialRaw(t, g.Addr)
		write(t, clients[i], "GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	eventually(t, patience, "sight of 150 clients", func() bool { n, ok := m.value(t, `sum(tickgate_connections{state="open"})`); return ok && n == 150 })
	for _, client := range clients {
		_ = client.Close()
	}
	eventually(t, patience, "TickgateMassDisconnect", func() bool { _, ok := m.firing(t)["TickgateMassDisconnect"]; return ok })
	for range 400 { // more than one a second of the five minutes that the alert looks at
		client := dialRaw(t, g.Addr)
		write(t, client, "GET /ws HTTP/1.1\r\nHost: x\r\n"+upgrade+"\r\n\xf1\x80\x00\x00\x00\x00") // reserved bits
		_, _ = io.Copy(io.Discard, client)
		_ = client.Close()
	}
	eventually(t, patience, "TickgateBrokenClients", func() bool { _, ok := m.firing(t)["TickgateBrokenClients"]; return ok })
}

// TestAlertsOfTheBus: NATS is away.
func TestAlertsOfTheBus(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	g := startGateway(t, setup{flags: map[string]string{"nats": nats.ClientURL(), "feed-interval": "100ms"}})
	m := startPrometheus(t, g)
	nats.Shutdown()
	for _, alert := range []string{"TickgateBusDown", "TickgatePublishErrors"} {
		eventually(t, patience, alert, func() bool { _, ok := m.firing(t)[alert]; return ok })
	}
}

// TestAlertmanager: an alert reaches Slack, with its summary and the link to its section of the runbook.
func TestAlertmanager(t *testing.T) {
	t.Parallel()
	program, dir := need(t, "prometheus-alertmanager"), t.TempDir()
	posts := make(chan string, 16)
	slack := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- string(body)
	}))
	t.Cleanup(slack.Close)
	writeFile(t, filepath.Join(dir, "slack-url"), slack.URL)
	config := strings.NewReplacer("/etc/alertmanager/slack-url", filepath.Join(dir, "slack-url"), "group_wait: 30s", "group_wait: 0s").
		Replace(deployed(t, "alertmanager/alertmanager.yml"))
	writeFile(t, filepath.Join(dir, "alertmanager.yml"), config)
	log := startDaemon(t, program, "--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
	api := "http://" + addressOf(t, log) + "/api/v2/alerts"
	const alert = `[{"labels": {"alertname": "TickgateBusDown", "instance": "gw:9090", "severity": "page"},
		"annotations": {"summary": "gw:9090 has lost NATS", "runbook_url": "https://docs/runbook.md#tickgatebusdown"}}]`
	eventually(t, patience, "Alertmanager that takes an alert", func() bool {
		resp, err := http.Post(api, "application/json", strings.NewReader(alert))
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	select {
	case got := <-posts:
		for _, want := range []string{"#oncall", "TickgateBusDown", "gw:9090 has lost NATS", "https://docs/runbook.md#tickgatebusdown", "danger"} {
			if !strings.Contains(got, want) {
				t.Errorf("got a message without %q: %s", want, got)
			}
		}
	case <-time.After(time.Minute):
		t.Fatal("got no message within a minute")
	}
}
