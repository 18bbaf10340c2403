package compare

import (
	"math"

	"tickgate/internal/load/report"
)

// Schema names the form of the JSON document. Fields may be added to it.
const Schema = "tickgate-compare/1"

// Comparison is what there is to say about two runs.
type Comparison struct {
	Schema      string       `json:"schema"`
	A           Run          `json:"a"`
	B           Run          `json:"b"`
	Comparable  bool         `json:"comparable"`         // whether the same was done on the same machine
	Warnings    []string     `json:"warnings,omitempty"` // why the runs are not comparable, or not alone
	Differences []Difference `json:"differences,omitempty"`
	Metrics     []Metric     `json:"metrics"`
	Caveat      string       `json:"caveat"` // what a single pair cannot say
}

// Run names one of the two.
type Run struct {
	File     string        `json:"file"`
	Headline string        `json:"headline"`
	Status   report.Status `json:"status"`
}

// Difference is something about plan, machine or programs that was not the same.
type Difference struct {
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Metric is a result of both runs.
type Metric struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Better string  `json:"better"` // lower, higher or neither
	Basis  Basis   `json:"basis"`  // what A and B are numbers of
	A      float64 `json:"a"`
	B      float64 `json:"b"`
	// Change is how much more B has, as a part of A; nothing if A is 0. Low and High enclose it, as far as the runs themselves can say.
	Change  *float64 `json:"change,omitempty"`
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Verdict Verdict  `json:"verdict"`
}

// Basis is what a metric's values are made of.
type Basis string

// The bases. Only a whole run's numbers have no interval.
const (
	MedianSecond Basis = "median second"
	MeanSecond   Basis = "mean second"
	RampSlope    Basis = "slope of the ramp"
	WholeRun     Basis = "whole run"
)

// center returns the function that makes one number of the seconds'.
func (b Basis) center() func([]float64) float64 {
	if b == MeanSecond {
		return mean
	}
	return median
}

// Verdict is what may be said about a difference.
type Verdict string

// The verdicts.
const (
	Same    Verdict = "the same"
	Noise   Verdict = "within the noise inside the runs"
	Lower   Verdict = "lower"
	Higher  Verdict = "higher"
	Better  Verdict = "better"
	Worse   Verdict = "worse"
	Unknown Verdict = "no interval"
)

const caveat = "One run of each says nothing certain about the next ones: intervals are about the seconds inside these two runs (95 %, block bootstrap), " +
	"and what the machine did differently in between is in every number. For a claim, repeat both in turn with lab."

// Compare compares two reports, read from files of these names.
func Compare(a, b *report.Report, fileA, fileB string) *Comparison {
	broken := incomparable(a, b)
	return &Comparison{
		Comparable: len(broken) == 0,
		Schema:     Schema, A: Run{fileA, a.Summary.Headline, a.Summary.Status}, B: Run{fileB, b.Summary.Headline, b.Summary.Status},
		Warnings: append(broken, doubts(a, b)...), Differences: differences(a, b), Metrics: metrics(a, b, len(broken) == 0), Caveat: caveat,
	}
}

// judge fills in what follows from both values and, if there is one, from the interval.
func (m *Metric) judge() {
	if m.Change == nil && m.A != 0 {
		change := m.B/m.A - 1
		m.Change = &change
	}
	switch {
	case m.Low != nil && *m.Low <= 0 && *m.High >= 0:
		m.Verdict = Noise
	case m.Low != nil:
		m.Verdict = m.direction()
	case m.A == m.B:
		m.Verdict = Same
	default:
		m.Verdict = Unknown
	}
}

// direction says which way the change goes.
func (m *Metric) direction() Verdict {
	grown := *m.Change > 0
	switch {
	case m.Better == neither && grown:
		return Higher
	case m.Better == neither:
		return Lower
	case grown == (m.Better == higher):
		return Better
	}
	return Worse
}

// The directions in which metrics are better.
const (
	lower   = "lower"
	higher  = "higher"
	neither = "neither"
)

// sane is whether a value can be written as JSON and read by people.
func sane(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
