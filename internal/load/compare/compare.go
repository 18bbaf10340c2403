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
	Differs Verdict = "differs (inside these two runs)" // which is no claim about what is better: equal runs differ too
	Vague   Verdict = "too uncertain to compare"
	Unknown Verdict = "no interval"
)

const caveat = "One pair of runs says nothing about how much runs vary, and two of the very same gateway differ too. Intervals (95 %, block bootstrap) are " +
	"about the seconds inside these two runs. Whether B is better, only repeats in turn can say: use lab."

// widest is the width of an interval, as a part of A, from which on it says nothing: its base is next to nothing.
const widest = 4

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
	case m.Low != nil && *m.High-*m.Low > widest:
		m.Change, m.Low, m.High, m.Verdict = nil, nil, nil, Vague
	case m.Low != nil && *m.Low <= 0 && *m.High >= 0:
		m.Verdict = Noise
	case m.Low != nil:
		m.Verdict = Differs
	case m.A == m.B:
		m.Verdict = Same
	default:
		m.Verdict = Unknown
	}
}

// The directions in which metrics are better.
const (
	lower   = "lower"
	higher  = "higher"
	neither = "neither"
)

// sane is whether a value can be written as JSON and read by people.
func sane(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
