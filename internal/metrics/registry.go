// Package metrics writes the gateway's numbers in Prometheus' text format. It is the only importer
// of client_golang: the other packages count in plain integers, and cmd/gateway hands a Snapshot of
// them over at each scrape. Merge makes one page of several processes' pages.
package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// ContentType is the type of the pages, Prometheus' text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Config says what a process reports about.
type Config struct {
	// Source is called for each scrape, from any goroutine, and should return within a second: a
	// stuck event loop is when somebody scrapes. Nil reports about the process only.
	Source func() Snapshot
	// Kernel adds what /proc says about the whole machine. One process per gateway should.
	Kernel bool
	// ProcRoot is where to read it; default /proc.
	ProcRoot string
	// Version is the gateway's version for tickgate_build_info; default "unknown".
	Version string
}

// Registry writes the page of one process. It is safe for concurrent use.
type Registry struct{ registry *prometheus.Registry }

// New returns a registry with the Go runtime, the process and what cfg says.
func New(cfg Config) (*Registry, error) {
	all := []prometheus.Collector{
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(runtimeRules...)),
		buildInfo(cfg.Version),
	}
	if cfg.Source != nil {
		all = append(all, collector{cfg.Source})
	}
	if cfg.Kernel {
		if cfg.ProcRoot == "" {
			cfg.ProcRoot = "/proc"
		}
		k, err := newKernel(cfg.ProcRoot)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	r := &Registry{prometheus.NewPedanticRegistry()}
	for _, c := range all {
		if err := r.registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// runtimeRules add to the Go collector's defaults how long the collector stops the world, how long
// goroutines wait for a processor, and what the collector costs.
var runtimeRules = []collectors.GoRuntimeMetricsRule{
	{Matcher: regexp.MustCompile(`^/sched/pauses/total/gc:seconds$`)},
	{Matcher: regexp.MustCompile(`^/sched/latencies:seconds$`)},
	{Matcher: regexp.MustCompile(`^/cpu/classes/(gc/total|total|idle|user):cpu-seconds$`)},
	{Matcher: regexp.MustCompile(`^/gc/cycles/total:gc-cycles$`)},
	{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)},
	{Matcher: regexp.MustCompile(`^/gc/(scan|stack).*:bytes$`)},
}

func buildInfo(version string) prometheus.Collector {
	if version == "" {
		version = "unknown"
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace:   namespace,
		Name:        "build_info",
		Help:        "The gateway's version; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	info.Set(1)
	return info
}

// Page returns the process's metrics in text format. What could be gathered is returned even if
// there is an error about the rest.
func (r *Registry) Page() ([]byte, error) {
	families, gatherErr := r.registry.Gather()
	var page bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&page, family); err != nil {
			return page.Bytes(), errors.Join(gatherErr, fmt.Errorf("write %s: %w", family.GetName(), err))
		}
	}
	return page.Bytes(), gatherErr
}

// ServeHTTP answers with the page, or with 500 if not even a part of it could be gathered.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	page, err := r.Page()
	if len(page) == 0 && err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", ContentType)
	_, _ = w.Write(page)
}
