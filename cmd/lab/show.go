package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tickgate/internal/lab"
)

// list is `lab list`.
func (p program) list(dir string) error {
	experiments, broken := lab.List(dir)
	measured := false
	for _, exp := range experiments {
		mark := " "
		if exp.Measured != "" {
			mark, measured = "*", true
		}
		fmt.Fprintf(p.stdout, "%s %-24s %s\n", mark, exp.Name, oneLine(exp.Question))
	}
	if measured {
		fmt.Fprintln(p.stdout, "\n* has a result: lab show NAME")
	}
	return errors.Join(broken...)
}

// show is `lab show`.
func (p program) show(name string) error {
	exp, err := lab.Load(experimentFile(name))
	if err != nil {
		return err
	}
	var b strings.Builder
	describe(&b, exp)
	fmt.Fprintf(&b, "\n%d runs in %d blocks (%s), about %s\n", len(exp.Schedule(0)), exp.Design.Repeats, exp.Design.Order, exp.Duration().Round(time.Minute))
	measured := strings.ReplaceAll(strings.TrimSpace(exp.Measured), "\n", "\n             ")
	if measured == "" {
		measured = "not yet"
	}
	fmt.Fprintf(&b, "\nmeasured     %s\n", measured)
	_, err = fmt.Fprint(p.stdout, b.String())
	return err
}

// describe writes what an experiment is about.
func describe(b *strings.Builder, exp *lab.Experiment) {
	fmt.Fprintf(b, "%s\n\nquestion     %s\nexpectation  %s\n\nvariants\n", exp.Name, oneLine(exp.Question), oneLine(exp.Expectation))
	for i, v := range exp.Variants {
		note := ""
		if i == 0 {
			note = " (baseline)"
		}
		fmt.Fprintf(b, "  %-22s %s%s\n", v.Name, oneLine(v.About), note)
	}
	fmt.Fprintln(b, "\nmetrics")
	for _, m := range exp.Metrics {
		from := m.Value
		if m.Per != "" {
			from += " / " + m.Per
		}
		fmt.Fprintf(b, "  %-22s %s is better, %s\n", m.Name, m.Better, from)
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
