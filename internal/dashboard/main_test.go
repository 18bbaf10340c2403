package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testPatience is for a machine that is busy with everything else.
const testPatience = 30 * time.Second

// start runs a Dashboard on a listener until the test ends, and returns its base URL. Public is the address of a public listener.
func start(t *testing.T, public string, gather func(ctx context.Context, path string) []Answer) string {
	t.Helper()
	_, base := startDashboard(t, public, gather)
	return base
}

// startDashboard is start for those who look inside.
func startDashboard(t *testing.T, public string, gather func(ctx context.Context, path string) []Answer) (*Dashboard, string) {
	t.Helper()
	d, err := New(Config{Gather: gather, Public: public, Version: "v1.2.3", FanoutBounds: []time.Duration{time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	d.Register(mux.Handle)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		d.Stop()
		http.DefaultClient.CloseIdleConnections()
	})
	return d, server.URL
}

// nobody is a gateway without processes.
func nobody(context.Context, string) []Answer { return nil }

// follow reads a stream's events into a channel until the test ends.
func follow(t *testing.T, url, lastID string) <-chan [3]string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", lastID)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	events, ended := make(chan [3]string, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		var e [3]string
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e[0] = value
			case "event":
				e[1] = value
			case "data":
				e[2] = value
			case "":
				events <- e
				e = [3]string{}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = resp.Body.Close()
	})
	return events
}

// wait returns the next event of a kind.
func wait(t *testing.T, events <-chan [3]string, kind string) (id, data string) {
	t.Helper()
	for deadline := time.After(testPatience); ; {
		select {
		case e := <-events:
			if e[1] == kind {
				return e[0], e[2]
			}
		case <-deadline:
			t.Fatalf("got no event %s within %v", kind, testPatience)
		}
	}
}

// decode reads JSON.
func decode[T any](t *testing.T, data string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// counting counts calls of a gather function.
func counting(calls *atomic.Int64, answers ...Answer) func(context.Context, string) []Answer {
	return func(context.Context, string) []Answer {
		calls.Add(1)
		return answers
	}
}
