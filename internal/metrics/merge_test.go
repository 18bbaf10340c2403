package metrics

import (
	"errors"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pages []Page
		want  string
	}{
		{
			name:  "one process",
			pages: []Page{{Worker: "0", Body: []byte("# TYPE a gauge\na 1\n")}},
			want: `# TYPE a gauge
a{worker="0"} 1
# HELP tickgate_worker_up Whether a worker process answered this scrape (1) or not (0).
# TYPE tickgate_worker_up gauge
tickgate_worker_up{worker="0"} 1
`,
		},
		{
			name: "labels, histograms, a worker that is dead and one that talks nonsense",
			pages: []Page{
				{Worker: Supervisor, Body: []byte("# TYPE r_total counter\nr_total{worker=\"1\"} 3\n")},
				{Worker: "0", Body: []byte(`# HELP h_seconds A histogram.
# TYPE h_seconds histogram
h_seconds_bucket{le="1"} 2
h_seconds_bucket{le="+Inf"} 3
h_seconds_sum 9.5
h_seconds_count 3
# TYPE c gauge
c{a="x",z="q\"\\"} NaN
`)},
				{Worker: "1", Err: errors.New("dead")},
				{Worker: "2", Body: []byte("<html>")},
				{Worker: "3", Body: []byte("# TYPE c gauge\nc{a=\"x\",z=\"\"} +Inf\n")},
			},
			want: `# TYPE c gauge
c{a="x",worker="0",z="q\"\\"} NaN
c{a="x",worker="3",z=""} +Inf
# HELP h_seconds A histogram.
# TYPE h_seconds histogram
h_seconds_bucket{worker="0",le="1"} 2
h_seconds_bucket{worker="0",le="+Inf"} 3
h_seconds_sum{worker="0"} 9.5
h_seconds_count{worker="0"} 3
# TYPE r_total counter
r_total{worker="1"} 3
# HELP tickgate_worker_up Whether a worker process answered this scrape (1) or not (0).
# TYPE tickgate_worker_up gauge
tickgate_worker_up{worker="0"} 1
tickgate_worker_up{worker="1"} 0
tickgate_worker_up{worker="2"} 0
tickgate_worker_up{worker="3"} 1
`,
		},
		{
			name: "two versions disagree on a type",
			pages: []Page{
				{Worker: Supervisor, Body: []byte("# TYPE a gauge\na 1\n")},
				{Worker: Supervisor, Body: []byte("# TYPE a counter\na 2\n# TYPE b gauge\nb 2\n")},
			},
			want: "# TYPE a gauge\na{worker=\"supervisor\"} 1\n# TYPE b gauge\nb{worker=\"supervisor\"} 2\n",
		},
		{name: "nothing", want: ""},
	} {
		got, err := Merge(tt.pages)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if string(got) != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// Every sample of real pages is labelled and there once.
func TestMergeRealPages(t *testing.T) {
	merged, err := Merge([]Page{
		{Worker: Supervisor, Body: page(t, full)}, {Worker: "0", Body: page(t, worker)}, {Worker: "1", Body: page(t, worker)},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(merged)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		sample := line[:strings.LastIndexByte(line, ' ')]
		if !strings.Contains(sample, `worker="`) || seen[sample] {
			t.Errorf("got %q, want a worker label, once", line)
		}
		seen[sample] = true
	}
	for _, want := range []string{
		`tickgate_deliveries_total{worker="1"}`, `go_goroutines{worker="supervisor"}`, `tickgate_worker_up{worker="0"}`,
		`tickgate_worker_restarts_total{worker="0"}`,
	} {
		if !seen[want] {
			t.Errorf("got no %s", want)
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte("# TYPE a gauge\na 1\n"), []byte("a{worker=\"x\",b=\"\"} 2 3\n"))
	f.Add([]byte("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"), []byte("h_bucket 1\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		merged, err := Merge([]Page{{Worker: "0", Body: a}, {Worker: "1", Body: b}})
		if err == nil && !strings.Contains(string(merged), `tickgate_worker_up{worker="1"}`) {
			t.Errorf("got\n%s\nwant both workers told of", merged)
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	r, err := New(Config{Source: full})
	if err != nil {
		b.Fatal(err)
	}
	body, err := r.Page()
	if err != nil {
		b.Fatal(err)
	}
	pages := []Page{{Worker: Supervisor, Body: body}}
	for _, worker := range []string{"0", "1", "2", "3", "4", "5"} {
		pages = append(pages, Page{Worker: worker, Body: body})
	}
	for b.Loop() {
		if _, err := Merge(pages); err != nil {
			b.Fatal(err)
		}
	}
}
