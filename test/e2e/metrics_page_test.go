package e2e

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// sample is one line of a metrics page: the name with its labels as printed, and the value.
type sample struct {
	name, labels string
	value        float64
}

// fetch returns the body of a GET that must answer 200.
func fetch(t testing.TB, url string) string {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %s: %v", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: got status %d: %s", url, resp.StatusCode, body)
	}
	return string(body)
}

// scrape reads the gateway's metrics page.
func (g *gateway) scrape(t testing.TB) []sample {
	t.Helper()
	var samples []sample
	lines := newLines(strings.NewReader(fetch(t, "http://"+g.Admin+"/metrics")))
	for lines.Scan() {
		line := lines.Text()
		cut := strings.LastIndexByte(line, ' ')
		if line == "" || line[0] == '#' || cut < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			t.Fatalf("metrics: got line %q: %v", line, err)
		}
		name, labels, _ := strings.Cut(line[:cut], "{")
		samples = append(samples, sample{name: name, labels: strings.TrimSuffix(labels, "}"), value: value})
	}
	return samples
}

// sum adds up the samples of a name whose labels hold all the given texts, such as reason="slow_consumer".
func sum(samples []sample, name string, labels ...string) float64 {
	var total float64
	for _, s := range samples {
		if s.name == name && holdsAll(s.labels, labels) {
			total += s.value
		}
	}
	return total
}

func holdsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// names returns the set of sample names.
func names(samples []sample) map[string]bool {
	set := map[string]bool{}
	for _, s := range samples {
		set[s.name] = true
	}
	return set
}
