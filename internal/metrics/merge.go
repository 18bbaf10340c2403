package metrics

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	workerLabel = "worker"
	// Supervisor is the worker label of the process that supervises the workers.
	Supervisor = "supervisor"
)

// Page is one process's metrics page.
type Page struct {
	Worker string // value of the worker label: 0, 1, … or Supervisor
	Body   []byte // text format
	Err    error  // why there is no body
}

// Merge makes one page of all, in which each sample that does not have a worker label yet gets its
// page's. A page that is missing or cannot be parsed is left out, and told by tickgate_worker_up.
func Merge(pages []Page) ([]byte, error) {
	merged := map[string]*dto.MetricFamily{}
	up := &dto.MetricFamily{
		Name: new(namespace + "_worker_up"),
		Help: new("Whether a worker process answered this scrape (1) or not (0)."),
		Type: dto.MetricType_GAUGE.Enum(),
	}
	for _, page := range pages {
		families, err := page.parse()
		for name, family := range families {
			merge(merged, name, family)
		}
		if page.Worker != Supervisor {
			up.Metric = append(up.Metric, &dto.Metric{
				Label: []*dto.LabelPair{workerPair(page.Worker)},
				Gauge: &dto.Gauge{Value: new(truth(err == nil))},
			})
		}
	}
	if len(up.Metric) > 0 {
		merged[up.GetName()] = up
	}
	return encode(merged)
}

// parse returns the page's families, every sample labelled.
func (p Page) parse() (map[string]*dto.MetricFamily, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(p.Body))
	if err != nil {
		return nil, fmt.Errorf("parse metrics of worker %s: %w", p.Worker, err)
	}
	for _, family := range families {
		for _, metric := range family.Metric {
			metric.Label = withWorker(metric.Label, p.Worker)
		}
	}
	return families, nil
}

// merge adds family to the families of that name. If their types differ, as between two versions of
// the gateway, the later one is dropped: a page with both would be refused as a whole.
func merge(into map[string]*dto.MetricFamily, name string, family *dto.MetricFamily) {
	first, ok := into[name]
	switch {
	case !ok:
		into[name] = family
	case first.GetType() == family.GetType():
		first.Metric = append(first.Metric, family.Metric...)
	}
}

func encode(families map[string]*dto.MetricFamily) ([]byte, error) {
	var page bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if _, err := expfmt.MetricFamilyToText(&page, families[name]); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	return page.Bytes(), nil
}

// withWorker adds the label, in the order of names, unless it is there already.
func withWorker(labels []*dto.LabelPair, worker string) []*dto.LabelPair {
	at := len(labels)
	for i, l := range labels {
		if l.GetName() == workerLabel {
			return labels
		}
		if l.GetName() > workerLabel {
			at = min(at, i)
		}
	}
	return slices.Insert(labels, at, workerPair(worker))
}

func workerPair(worker string) *dto.LabelPair {
	return &dto.LabelPair{Name: new(workerLabel), Value: new(worker)}
}
