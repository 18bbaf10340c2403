package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteJSON writes the document, indented.
func (c *Comparison) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// textWidth is that of the sentences, in characters.
const textWidth = 110

// WriteText writes the comparison for people: what to mind first, then what was different, then the numbers.
func (c *Comparison) WriteText(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "! %s\n\n", wrap(c.Caveat, textWidth)); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "A\t%s\n\t%s\nB\t%s\n\t%s\n", c.A.File, c.A.Headline, c.B.File, c.B.Headline)
	for _, warning := range c.Warnings {
		fmt.Fprintf(t, "\n! %s\n", wrap(warning, textWidth))
	}
	if len(c.Differences) > 0 {
		fmt.Fprint(t, "\nWHAT WAS DIFFERENT\tA\tB\n")
	}
	for _, d := range c.Differences {
		fmt.Fprintf(t, "%s\t%s\t%s\n", d.Name, orNothing(d.A), orNothing(d.B))
	}
	c.table(t, "WITH AN INTERVAL FROM WITHIN THE RUNS", func(m Metric) bool { return m.Low != nil })
	c.table(t, "ONE NUMBER FOR EACH RUN", func(m Metric) bool { return m.Low == nil })
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// table writes the metrics that are wanted. Errors are the tabwriter's to remember.
func (c *Comparison) table(w io.Writer, name string, wanted func(Metric) bool) {
	began := false
	for _, m := range c.Metrics {
		if !wanted(m) {
			continue
		}
		if !began {
			fmt.Fprintf(w, "\n%s\tA\tB\tchange\t\n", name)
			began = true
		}
		title := m.Name
		if m.Basis != WholeRun {
			title += ", " + string(m.Basis)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", title, m.write(m.A), m.write(m.B), m.change(), m.Verdict)
	}
}

func (m *Metric) write(v float64) string {
	text := significant(v)
	if m.Unit == "" {
		return text
	}
	return text + " " + m.Unit
}

// change writes the change, with its interval if there is one.
func (m *Metric) change() string {
	switch {
	case m.Low != nil:
		return fmt.Sprintf("%s [%s, %s]", signed(*m.Change), signed(*m.Low), signed(*m.High))
	case m.Change != nil && m.A != m.B && math.Abs(*m.Change) <= widest:
		return signed(*m.Change)
	}
	return ""
}

func signed(change float64) string {
	if math.Abs(change) < 0.0005 {
		return "0 %"
	}
	return fmt.Sprintf("%+.1f %%", 100*change)
}

// significant writes three significant digits, and whole numbers whole.
func significant(v float64) string {
	if v == math.Trunc(v) || math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func orNothing(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		if column > 0 && column+1+len(word) > width {
			b.WriteByte('\n')
			column = 0
		} else if column > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
