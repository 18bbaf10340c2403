package config

import (
	"fmt"
	"io"
	"strings"
)

// Problem is one thing wrong with the configuration: what was given, where, and what to do.
type Problem struct {
	Setting string // the flag (--feed-interval), the YAML key or the argument it is about
	Value   string // the offending value as given, without credentials; "" if there is none
	Source  string // where it was given if not on the command line, such as gateway.yaml:3
	Message string // what is wrong and the remedy
}

// String is the problem as one line.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Setting)
	if p.Value != "" {
		fmt.Fprintf(&b, "=%s", quoteOdd(p.Value))
	}
	if p.Source != "" {
		fmt.Fprintf(&b, " (%s)", p.Source)
	}
	return b.String() + ": " + p.Message
}

// quoteOdd quotes a value only if it could be misread or carries control characters.
func quoteOdd(v string) string {
	if q := fmt.Sprintf("%q", v); strings.ContainsAny(v, " \t") || q != `"`+v+`"` {
		return q
	}
	return v
}

// Problems are all that is wrong with a configuration, in the order it was read.
type Problems []Problem

// Error lists every problem on a line of its own.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Report writes all problems for a person, with the way to the help of the sub-command; "" is the gateway itself.
func (p Problems) Report(w io.Writer, command string) {
	name, noun := program, "problem"
	if command != "" {
		name += " " + command
	}
	if len(p) > 1 {
		noun = "problems"
	}
	_, _ = fmt.Fprintf(w, "%s: %d %s with the settings:\n", name, len(p), noun)
	for _, problem := range p {
		_, _ = fmt.Fprintf(w, "  %s\n", problem)
	}
	_, _ = fmt.Fprintf(w, "Run '%s --help' for all settings.\n", name)
}
