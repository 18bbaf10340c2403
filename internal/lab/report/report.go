// Package report shows what an experiment found: as a text for the terminal, as result.json for programs, and as one HTML file that needs nothing else,
// with the verdict first and the raw data inside.
//
// Left to others: what was found (package lab).
package report

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/undo"
)

// Schema names the form of result.json. Fields may be added to it; none is removed or changes its meaning without another name.
const Schema = "tickgate-lab/1"

// Report is the whole story of an experiment.
type Report struct {
	Schema      string          `json:"schema"`
	Experiment  string          `json:"experiment"`
	Question    string          `json:"question"`
	Expectation string          `json:"expectation"`
	Result      *lab.Result     `json:"result"`
	Design      Design          `json:"design"`
	Variants    []Variant       `json:"variants"`
	Metrics     []Metric        `json:"metrics"`
	Runs        []Run           `json:"runs"`
	Failures    []*lab.Failure  `json:"failures,omitempty"`
	Environment lab.Environment `json:"environment"`
}

// Design is how the runs were made.
type Design struct {
	Order   lab.Order   `json:"order"`
	Repeats int         `json:"repeats"`
	Seed    uint64      `json:"seed"`
	Quick   bool        `json:"quick,omitempty"`
	Network lab.Network `json:"network"`
	Window  lab.Window  `json:"window"`
	Warmup  string      `json:"warmup"`
	Measure string      `json:"measure"`
	Begun   time.Time   `json:"begun"`
	Ended   time.Time   `json:"ended"`
}

// Variant is one side of the comparison, with the commands of its first run.
type Variant struct {
	Name     string            `json:"name"`
	About    string            `json:"about,omitempty"`
	Commands []string          `json:"commands"`
	Sysctls  map[string]string `json:"sysctls,omitempty"`
}

// Metric is a number by which the variants were compared.
type Metric struct {
	Name   string        `json:"name"`
	Unit   string        `json:"unit,omitempty"`
	Better lab.Direction `json:"better"`
	From   string        `json:"from"` // how it is computed
}

// Run is one run with its values, in the order of the metrics.
type Run struct {
	lab.Run
	Started time.Time `json:"started"`
	Took    float64   `json:"took_seconds"`
	Load    float64   `json:"load_before"`
	Values  []float64 `json:"values"`
	Notes   []string  `json:"notes,omitempty"`
}

// New gathers the report from what is stored.
func New(exp *lab.Experiment, store *lab.Store) (*Report, error) {
	records, err := store.Records()
	if err != nil {
		return nil, err
	}
	failures, err := store.Failures()
	if err != nil {
		return nil, err
	}
	result, err := exp.Analyse(records)
	if err != nil {
		return nil, err
	}
	for _, f := range failures {
		result.Warnings = append(result.Warnings, fmt.Sprintf("run %d (%s) failed once and was made again: %s", f.Run.Number, f.Run.Name, f.Error))
	}
	m := store.Manifest
	r := &Report{
		Schema: Schema, Experiment: exp.Name, Question: exp.Question, Expectation: exp.Expectation, Result: result, Failures: failures,
		Environment: m.Environment,
		Design: Design{
			Order: exp.Design.Order, Repeats: exp.Design.Repeats, Seed: m.Seed, Quick: m.Quick, Network: exp.Network, Window: exp.Window,
			Warmup: exp.Design.Warmup.String(), Measure: exp.Design.Measure.String(), Begun: m.Created,
		},
	}
	for _, metric := range exp.Metrics {
		r.Metrics = append(r.Metrics, Metric{metric.Name, metric.Unit, metric.Better, formula(metric)})
	}
	for _, v := range exp.Variants {
		r.Variants = append(r.Variants, Variant{Name: v.Name, About: v.About})
	}
	return r, r.addRuns(exp, records)
}

func (r *Report) addRuns(exp *lab.Experiment, records []*lab.Record) error {
	for _, record := range records {
		run := Run{Run: record.Run, Started: record.Started, Took: record.Took, Load: record.Load, Notes: record.Notes}
		for _, metric := range exp.Metrics {
			value, err := metric.Of(&record.Measurement)
			if err != nil {
				return err
			}
			run.Values = append(run.Values, value)
		}
		r.Runs = append(r.Runs, run)
		r.Design.Ended = record.Started.Add(time.Duration(record.Took * float64(time.Second)))
		if v := &r.Variants[record.Run.Variant]; v.Commands == nil {
			v.Commands, v.Sysctls = record.Commands, record.Sysctls
		}
	}
	return nil
}

// formula writes how a metric is computed.
func formula(m lab.Metric) string {
	text := m.Value
	if m.Per != "" {
		text += " / " + m.Per
	}
	if m.Scale != 1 {
		text += fmt.Sprintf(" × %g", float64(m.Scale))
	}
	return text
}

// Files are the names of what Write writes.
const (
	JSONFile = "result.json"
	HTMLFile = "report.html"
)

// Write writes both files into a directory.
func (r *Report) Write(dir string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := undo.WriteFile(filepath.Join(dir, JSONFile), append(text, '\n')); err != nil {
		return err
	}
	page, err := r.HTML()
	if err != nil {
		return err
	}
	return undo.WriteFile(filepath.Join(dir, HTMLFile), page)
}
