package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tickgate/internal/load/report"
)

// short writes a number for an axis: 1.5k, 100k, 2M.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return digits(v/unit.size) + unit.name
		}
	}
	return digits(v)
}

// digits writes at most three significant digits, without zeros behind the point.
func digits(v float64) string {
	decimals := 2 - int(math.Floor(math.Log10(math.Max(math.Abs(v), 1e-3))))
	text := strconv.FormatFloat(v, 'f', max(decimals, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// millis writes milliseconds for an axis.
func millis(v float64) string {
	switch {
	case v >= 1000:
		return digits(v/1000) + " s"
	case v >= 1:
		return digits(v) + " ms"
	}
	return digits(v*1000) + " µs"
}

// clock writes a time since the start for an axis.
func clock(s float64) string {
	switch {
	case s >= 7200:
		return digits(s/3600) + " h"
	case s >= 180:
		return digits(s/60) + " min"
	}
	return digits(s) + " s"
}

// lasting writes how long something took.
func lasting(s float64) string {
	if s < 1 {
		return strconv.FormatFloat(1000*s, 'f', 1, 64) + " ms"
	}
	return clock(s)
}

// bytesOf writes bytes in units of 1,000: 31 MB.
func bytesOf(v float64) string {
	switch {
	case math.Abs(v) >= 1e9:
		return digits(v/1e9) + " GB"
	case math.Abs(v) >= 1e6:
		return digits(v/1e6) + " MB"
	case math.Abs(v) >= 1e3:
		return digits(v/1e3) + " kB"
	}
	return digits(v) + " B"
}

func percent(share float64) string { return digits(100*share) + " %" }

// words writes a name of the JSON document as words.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// command writes a command line so that it can be pasted into a shell (POSIX quoting).
func command(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if arg == "" || strings.Trim(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+,./:@%") != "" {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// between writes an interval with its middle.
func between(middle, low, high float64) string {
	return fmt.Sprintf("%s (%s to %s)", bytesOf(middle), bytesOf(low), bytesOf(high))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return report.Comma(n) + " " + many
}

// sentence begins a text with a capital letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// clauses cuts a sentence behind its semicolons, so that no line ends within a clause that fits it.
func clauses(text string) []string { return strings.SplitAfter(text, "; ") }

// pieces cuts a name such as a sysctl's behind its dots and underscores, where a line may break.
func pieces(name string) []string {
	return strings.Split(strings.NewReplacer(".", ".\x00", "_", "_\x00").Replace(name), "\x00")
}
