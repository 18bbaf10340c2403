package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tickgate/internal/lab/netns"
)

// scrapeTimeout is how long the private listener may take; a gateway that is busy may keep it waiting for its processor.
const scrapeTimeout = 10 * time.Second

// adminPage reads the gateway's private listener, from within its namespace if it has one.
type adminPage struct {
	ends   endpoints
	client *http.Client
}

func newAdminPage(ends endpoints, ns *netns.Namespace) *adminPage {
	transport := &http.Transport{}
	if ns != nil {
		transport.DialContext = func(ctx context.Context, kind, addr string) (conn net.Conn, err error) {
			// A dialer asked for one numeric address makes its socket in the goroutine that calls it.
			err = ns.Do(func() (err error) {
				conn, err = new(net.Dialer).DialContext(ctx, kind, addr)
				return err
			})
			return conn, err
		}
	}
	return &adminPage{ends: ends, client: &http.Client{Transport: transport, Timeout: scrapeTimeout}}
}

func (a *adminPage) close() { a.client.CloseIdleConnections() }

// get returns the answer to a GET, whose body has to be closed.
func (a *adminPage) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.ends.admin+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	return a.client.Do(request)
}

// ready reports whether the gateway says that it is.
func (a *adminPage) ready(ctx context.Context) bool {
	answer, err := a.get(ctx, "/readyz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

// sample is one line of the page of metrics.
type sample struct {
	name   string
	labels map[string]string
	gauge  bool
	value  float64
}

// scrape reads the page of metrics.
func (a *adminPage) scrape(ctx context.Context) ([]sample, error) {
	answer, err := a.get(ctx, "/metrics")
	if err != nil {
		return nil, fmt.Errorf("read the gateway's metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the gateway's metrics: got %s", answer.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read the gateway's metrics: %w", err)
	}
	var samples []sample
	for _, name := range sortedKeys(families) {
		samples = append(samples, flatten(families[name])...)
	}
	return samples, nil
}

// connections returns how many clients have an open connection.
func (a *adminPage) connections(ctx context.Context) (int, error) {
	samples, err := a.scrape(ctx)
	open := 0.0
	for _, s := range samples {
		if s.name == "tickgate_connections" && s.labels["state"] == "open" {
			open += s.value
		}
	}
	return int(open), err
}
