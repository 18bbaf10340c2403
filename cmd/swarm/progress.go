package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"tickgate/internal/load/report"
)

// progress shows where the swarm is: one line that changes on a terminal, a line every few seconds elsewhere. Not safe
// for concurrent use.
type progress struct {
	w     io.Writer
	style string // line, plain or off
	width func() int
	last  time.Time
}

// plainInterval is the pause between plain lines.
const plainInterval = 5 * time.Second

// newProgress decides about the style that is auto: a line if w is a terminal.
func newProgress(style string, w io.Writer) *progress {
	p := &progress{w: w, style: style, width: func() int { return 0 }}
	file, isFile := w.(*os.File)
	terminal := isFile && term.IsTerminal(int(file.Fd()))
	if terminal {
		p.width = func() int {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 0
			}
			return width
		}
	}
	if style == "auto" {
		p.style = "plain"
		if terminal {
			p.style = "line"
		}
	}
	return p
}

func (p *progress) show(state *report.Progress) {
	switch p.style {
	case "line":
		// Carriage return, line, erase to its end (ECMA-48, EL).
		fmt.Fprintf(p.w, "\r%s\x1b[K", cut(state.Line(), p.width()))
		p.last = time.Now()
	case "plain":
		if time.Since(p.last) >= plainInterval {
			fmt.Fprintln(p.w, state.Line())
			p.last = time.Now()
		}
	}
}

// say prints a line above the changing one.
func (p *progress) say(line string) {
	if p.style == "line" {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "swarm: %s\n", line)
}

// end leaves the changing line behind.
func (p *progress) end() {
	if p.style == "line" && !p.last.IsZero() {
		fmt.Fprintln(p.w)
	}
}

// cut shortens line so that it does not wrap on a terminal of that width; 0 is unknown.
func cut(line string, width int) string {
	if runes := []rune(line); width > 0 && len(runes) >= width {
		return string(runes[:width-1])
	}
	return line
}
