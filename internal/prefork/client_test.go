package prefork_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tickgate/internal/prefork"
)

func TestClients(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 3, Settings: func(id int) (any, error) {
		return orders{Secret: fmt.Sprint("secret", id)}, nil
	}})
	for i, w := range s.Workers() {
		want := fmt.Sprintf("%d %d secret%d", i, w.Status().PID, i)
		if got := get(t, w, "/whoami"); got != want || w.ID() != i {
			t.Errorf("worker %d: got %q, want %q", w.ID(), got, want)
		}
	}
}

// TestNothingLeaksIntoTheWorker asserts that a worker looks like its supervisor to its users and to the processes it
// starts, and that nobody sees its settings.
func TestNothingLeaksIntoTheWorker(t *testing.T) {
	s := ready(t, orders{Secret: "hunter2"}, prefork.Config{Workers: 1})
	w := s.Workers()[0]
	environ := get(t, w, "/environ")
	for _, hidden := range []string{"hunter2", "PREFORK_WORKER"} {
		if strings.Contains(environ, hidden) {
			t.Errorf("arguments and environment: got %s, want no %q in it", environ, hidden)
		}
	}
	if want := fmt.Sprintf("%q", os.Args); !strings.HasPrefix(environ, want) {
		t.Errorf("arguments: got %s, want %s", environ, want)
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", w.Status().PID))
	if want := filepath.Base(os.Args[0])[:12]; err != nil || !strings.HasPrefix(string(comm), want) {
		t.Errorf("name: got %q, %v; want %q", comm, err, want)
	}
}

// TestStream reads results while they come and shows that such a stream does not hold up other requests.
func TestStream(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 1})
	w := s.Workers()[0]
	resp, err := w.Client().Get(prefork.BaseURL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	if resp.ProtoMajor != 2 {
		t.Errorf("got %s, want HTTP/2, which shares a connection", resp.Proto)
	}
	lines := bufio.NewScanner(resp.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprint("result ", i) {
			t.Fatalf("line %d: got %q, %v", i, lines.Text(), lines.Err())
		}
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { get(t, w, "/whoami") })
	}
	wg.Wait()
	resp.Body.Close()
}

// TestOutOfDescriptors asks a worker that cannot open anything any more.
func TestOutOfDescriptors(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 1})
	w := s.Workers()[0]
	if got := get(t, w, "/exhaust"); !strings.Contains(got, "too many open files") {
		t.Fatalf("got %q, want too many open files", got)
	}
	if got, want := get(t, w, "/whoami"), fmt.Sprintf("0 %d ", w.Status().PID); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHTTP1 speaks HTTP/1 to a worker, over a new connection each time.
func TestHTTP1(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 1})
	transport := s.Workers()[0].Client().Transport.(*http.Transport)
	old := &http.Client{Transport: &http.Transport{DialContext: transport.DialContext, DisableKeepAlives: true}}
	for range 3 {
		resp, err := old.Get(prefork.BaseURL + "/whoami")
		if err != nil {
			t.Fatal(err)
		}
		if resp.ProtoMajor != 1 {
			t.Errorf("got %s, want HTTP/1", resp.Proto)
		}
		resp.Body.Close()
	}
}

func TestGather(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 3, Backoff: prefork.Backoff{Min: time.Hour}})
	dead := s.Workers()[2]
	crash(dead)
	eventually(t, "worker is down", func() bool { return dead.Status().State == prefork.Waiting })
	tests := []struct {
		path  string
		limit int64
		want  [3]string // of the errors
	}{
		{"/whoami", 1000, [3]string{"", "", "not running"}},
		{"/whoami", 1, [3]string{"more than 1 bytes", "more than 1 bytes", "not running"}},
		{"/even", 1000, [3]string{"", "status 404", "not running"}},
		{"no slash", 1000, [3]string{"invalid", "invalid", "invalid"}},
	}
	for _, tt := range tests {
		for id, page := range s.Gather(t.Context(), tt.path, tt.limit) {
			if page.Worker != id || (page.Err == nil) != (tt.want[id] == "") {
				t.Errorf("%s: got worker %d, error %v; want %d, %q", tt.path, page.Worker, page.Err, id, tt.want[id])
			} else if page.Err != nil && !strings.Contains(page.Err.Error(), tt.want[id]) {
				t.Errorf("%s: got error %v, want %q", tt.path, page.Err, tt.want[id])
			} else if page.Err == nil && tt.path == "/whoami" && !strings.HasPrefix(string(page.Body), fmt.Sprint(id)) {
				t.Errorf("%s: got %q from worker %d", tt.path, page.Body, id)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, page := range s.Gather(ctx, "/whoami", 1000) {
		if page.Err == nil {
			t.Errorf("after a cancel: got %q, want an error", page.Body)
		}
	}
}

// TestTell gives all workers the same body.
func TestTell(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 2})
	body := strings.Repeat("what everybody is to know ", 10_000)
	for id, page := range s.Tell(t.Context(), "/echo", []byte(body), 1<<20) {
		if page.Worker != id || page.Err != nil || string(page.Body) != body {
			t.Errorf("got %d bytes from worker %d, %v; want the %d that it was told", len(page.Body), page.Worker, page.Err, len(body))
		}
	}
}
