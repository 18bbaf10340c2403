package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"tickgate/internal/load/report"
)

//go:embed page.html.tmpl
var source string

//go:embed page.css
var style string

//go:embed page.js
var script string

// view is what the template is made of.
type view struct {
	*report.Report
	Style    template.CSS
	Script   template.JS
	Data     string // the file's name for the JSON document
	Because  string // why the limit is one, unless a reason has said so
	Tiles    []tile
	Timeline *chart
	Shades   []shade
	Pairs    []*chart // two beside each other, where there is room
	Slow     *slowTicks
	Memory   []memoryRow
	Facts    []section
}

// Write writes the page of a report.
func Write(w io.Writer, r *report.Report) error {
	t, err := template.New("page").Funcs(functions).Parse(source)
	if err != nil {
		return fmt.Errorf("parse the page's template: %w", err)
	}
	v := view{
		// Both are part of this program.
		Report: r, Style: template.CSS(style), Script: template.JS(script), Data: "swarm-" + r.Started.UTC().Format("20060102-150405") + ".json",
		Tiles: tiles(r), Timeline: timeline(r), Shades: shades(), Slow: slow(r), Memory: memoryRows(r), Facts: facts(r),
	}
	if !slices.Contains(r.Summary.Reasons, r.Summary.Because) {
		v.Because = r.Summary.Because
	}
	for _, c := range []*chart{percentiles(r), spread(r), ramp(r), memory(r)} {
		if c != nil {
			v.Pairs = append(v.Pairs, c)
		}
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// functions are those of the template.
var functions = template.FuncMap{
	"ms": report.Duration, "sentence": sentence, "clauses": clauses, "pieces": pieces, "count": func(n int) string { return report.Comma(n) },
}
