package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"tickgate/internal/lab"
	"tickgate/internal/lab/infer"
)

//go:embed report.html.tmpl
var page string

// HTML returns the report as one self-contained page.
func (r *Report) HTML() ([]byte, error) {
	functions := template.FuncMap{
		"median": median, "probability": probability, "verdict": verdict, "method": method, "pairs": pairs, "letter": letter,
		"plot": r.plot, "forest": forest, "add": func(a, b float64) float64 { return a + b },
		"sub":   func(what, from float64) float64 { return from - what },
		"stamp": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"class": func(v infer.Verdict) string { return strings.Fields(string(v))[0] },
		"order": order,
		"brief": lab.Brief,
		"gib":   func(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) },
		"join":  func(list []string) string { return strings.Join(list, " ") },
	}
	t, err := template.New("report").Funcs(functions).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("parse report's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return b.Bytes(), nil
}

// pair is a name with its value, for tables.
type pair struct{ Name, Value string }

// pairs returns a map in the order of its keys.
func pairs(m map[string]string) []pair {
	list := make([]pair, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, pair{name, m[name]})
	}
	return list
}

// order writes the runs as letters, a block after the other: ABBA BAAB.
func order(runs []Run) string {
	var b strings.Builder
	for i, run := range runs {
		if i > 0 && run.Block != runs[i-1].Block {
			b.WriteByte(' ')
		}
		b.WriteString(letter(run.Variant))
	}
	return b.String()
}

// letter is a variant's short name: A for the baseline, B, C and so on.
func letter(variant int) string { return string(rune('A' + variant%26)) }
