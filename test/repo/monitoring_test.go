package repo

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	alertRules = "deploy/prometheus/tickgate.rules.yml"
	alertTests = "deploy/prometheus/tickgate.rules.test.yml"
	grafana    = "deploy/grafana/tickgate.json"
)

var (
	alertName  = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)
	runbookURL = regexp.MustCompile(`(?m)^ +runbook_url: "\{\{ \$externalLabels\.runbook \}\}#(\w+)"$`)
	runbookAt  = regexp.MustCompile(`(?m)^### (Tickgate\w+)$`)
	metricName = regexp.MustCompile(`\b(?:tickgate|go|process)_[a-z0-9_]+`)
)

// firsts returns the first group of every match.
func firsts(pattern *regexp.Regexp, text string) (found []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// TestAlertsAreInTheRunbook: each alert links to a section of docs/runbook.md that exists, has a test that makes it fire, and no section is about
// an alert that does not exist.
func TestAlertsAreInTheRunbook(t *testing.T) {
	rules, tests := read(t, alertRules), read(t, alertTests)
	alerts, links, sections := firsts(alertName, rules), firsts(runbookURL, rules), firsts(runbookAt, read(t, "docs/runbook.md"))
	if len(alerts) < 20 || len(links) != len(alerts) {
		t.Fatalf("got %d alerts and %d links to the runbook, want the same number", len(alerts), len(links))
	}
	for i, alert := range alerts {
		if want := strings.ToLower(alert); links[i] != want {
			t.Errorf("%s: got a link to #%s, want #%s", alert, links[i], want)
		}
		if !slices.Contains(sections, alert) {
			t.Errorf("%s has no section in docs/runbook.md", alert)
		}
		if !regexp.MustCompile(`alertname: ` + alert + "\n +exp_alerts:\n").MatchString(tests) {
			t.Errorf("%s never has to fire in %s", alert, alertTests)
		}
	}
	for _, section := range sections {
		if !slices.Contains(alerts, section) {
			t.Errorf("docs/runbook.md has a section about %s, which is no alert", section)
		}
	}
}

// TestMonitoredMetricsExist: the alerts, their tests and the dashboard ask for metrics that the gateway has.
func TestMonitoredMetricsExist(t *testing.T) {
	page := read(t, "internal/metrics/testdata/page.txt") + "tickgate_worker_up " // Merge adds it where there are workers
	known := map[string]bool{}
	for _, name := range metricName.FindAllString(page, -1) {
		known[name] = true
	}
	for _, file := range []string{alertRules, alertTests, grafana} {
		text := read(t, file)
		if file == grafana {
			text = expressions(t, text)
		}
		for _, name := range metricName.FindAllString(text, -1) {
			if !known[name] {
				t.Errorf("%s asks for %s, which is not on the metrics page", file, name)
			}
		}
	}
}

// expressions returns the queries of a Grafana dashboard.
func expressions(t *testing.T, dashboard string) string {
	t.Helper()
	var parsed struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(dashboard), &parsed); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, panel := range parsed.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return strings.Join(all, "\n")
}
