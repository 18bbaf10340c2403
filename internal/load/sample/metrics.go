package sample

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics is a page of metrics in the Prometheus text format, with the samples of each name added up over all labels,
// and so over all workers.
type Metrics map[string]float64

const (
	// scrapeTimeout is generous: a gateway whose processors are saturated answers late.
	scrapeTimeout = 5 * time.Second
	// maxPage bounds a page in bytes; the gateway's with eight workers has 300 KB.
	maxPage = 16 << 20
)

// Scrape reads the page at url.
func Scrape(ctx context.Context, url string) (Metrics, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	req.Header.Set("Accept", "text/plain; version=0.0.4")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scrape: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("scrape %s: answered %s", url, resp.Status)
	}
	m, err := parse(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, fmt.Errorf("scrape %s: %w", url, err)
	}
	return m, nil
}

func parse(r io.Reader) (Metrics, error) {
	m := make(Metrics)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if name, value, ok := parseSample(lines.Text()); ok {
			m[name] += value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(m) == 0 {
		return nil, fmt.Errorf("not a page of metrics")
	}
	return m, nil
}

// parseSample reads `name{labels} value [timestamp]`. A label's value may hold anything, so the value is looked for
// behind the last brace.
func parseSample(line string) (name string, value float64, ok bool) {
	if strings.HasPrefix(line, "#") {
		return "", 0, false
	}
	end := strings.IndexAny(line, "{ ")
	if end <= 0 {
		return "", 0, false
	}
	name, rest := line[:end], line[end:]
	if line[end] == '{' {
		rest = rest[strings.LastIndexByte(rest, '}')+1:]
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return "", 0, false
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	return name, value, err == nil
}

// First returns the first of these metrics that the page has.
func (m Metrics) First(names ...string) (float64, bool) {
	for _, name := range names {
		if v, ok := m[name]; ok {
			return v, true
		}
	}
	return 0, false
}
