package metrics

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// The whole page is a golden file: names, labels, types, help. Values of the runtime and the
// process, which differ from run to run, become N.
func TestGoldenPage(t *testing.T) {
	golden(t, "page.txt", normalise(page(t, full)))
}

var (
	volatile = regexp.MustCompile(`(?m)^((?:go|process)_[^ ]*(?: [^ ]*")?) [^ \n]+$`)
	version  = regexp.MustCompile(`version="go[^"]*"`)
	memory   = regexp.MustCompile(`(?m)^(tickgate_kernel_tcp_memory_bytes) .*$`) // depends on the page size
)

func normalise(page []byte) []byte {
	page = volatile.ReplaceAll(page, []byte("$1 N"))
	page = memory.ReplaceAll(page, []byte("$1 N"))
	return version.ReplaceAll(page, []byte(`version="goN"`))
}

func TestLint(t *testing.T) {
	merged, err := Merge([]Page{{Worker: Supervisor, Body: page(t, full)}, {Worker: "0", Body: page(t, worker)}})
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(bytes.NewReader(merged)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// What operators of Go programs look for first is there.
func TestRuntimeMetrics(t *testing.T) {
	body := string(page(t, full))
	for _, name := range []string{
		"go_sched_pauses_total_gc_seconds_bucket", "go_sched_latencies_seconds_bucket", "go_memstats_heap_alloc_bytes",
		"go_goroutines", "process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total",
	} {
		if !strings.Contains(body, "\n"+name) {
			t.Errorf("got no %s", name)
		}
	}
}

// Parts that a process does not have leave no zeros behind.
func TestPartsLeftOut(t *testing.T) {
	r, err := New(Config{Source: func() Snapshot { return Snapshot{Bus: &Bus{Up: true}} }})
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Page()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "tickgate_") && !strings.HasPrefix(line, "tickgate_bus_") && !strings.HasPrefix(line, "tickgate_build_info") {
			t.Errorf("got %q, want the bus only", line)
		}
	}
	if !strings.Contains(string(body), "tickgate_bus_up 1\n") {
		t.Error("got no tickgate_bus_up 1")
	}
}

// A kernel file that cannot be read costs its own metrics only.
func TestKernelUnreadable(t *testing.T) {
	r, err := New(Config{Source: full, Kernel: true, ProcRoot: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Page()
	if err == nil || !strings.Contains(err.Error(), "sockstat") {
		t.Errorf("got error %v, want one about sockstat", err)
	}
	if !strings.Contains(string(body), "\ntickgate_deliveries_total 6e+06\n") {
		t.Errorf("got\n%s\nwant the rest of the page", body)
	}
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, nil)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != ContentType {
		t.Errorf("got status %d, type %q, want 200 and the text format", answer.Code, answer.Header().Get("Content-Type"))
	}
	if _, err := New(Config{Kernel: true, ProcRoot: "/does/not/exist"}); err == nil {
		t.Error("got no error for a root that does not exist")
	}
}

func TestHistogramAdd(t *testing.T) {
	var sum Histogram
	for range 2 {
		sum.Add(full().Fanout.Duration)
	}
	if sum.Counts[1] != 104 || sum.Sum.Seconds() != 40 || len(sum.Bounds) != 2 {
		t.Errorf("got %+v, want twice the counts", sum)
	}
}
