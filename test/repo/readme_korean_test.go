package repo

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	readme   = "README.md"
	readmeKo = "README.ko.md"
)

var (
	shell    = regexp.MustCompile("(?ms)^```sh(?: run)?\n.*?^```$")
	comment  = regexp.MustCompile(`(?m) +# .*$`)
	target   = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	millions = regexp.MustCompile(`[0-9][0-9.,]*(?: million|만)`)
)

// TestReadmeInBothLanguages: README.ko.md has the sections, commands, printed reports, names, links and numbers of README.md, so that a change of one
// shows what the other lacks. The table of flags is in English only; comments behind commands are translated; millions are written in 만.
func TestReadmeInBothLanguages(t *testing.T) {
	english, korean := section.Split(read(t, readme), -1), section.Split(read(t, readmeKo), -1)
	if len(english) != len(korean) {
		t.Fatalf("got %d sections in English and %d in Korean, want the same number", len(english)-1, len(korean)-1)
	}
	flags := slices.IndexFunc(english, func(text string) bool { return strings.HasPrefix(text, "All flags\n") })
	if flags < 0 {
		t.Fatalf("%s: got no section All flags", readme)
	}
	en := strings.Join(slices.Delete(english, flags, flags+1), "\n")
	ko := strings.Join(slices.Delete(korean, flags, flags+1), "\n")
	same(t, readme, "blocks", blocks(en), blocks(ko))
	same(t, readme, "make targets", targets(en), targets(ko))
	en, ko = fence.ReplaceAllString(en, ""), fence.ReplaceAllString(ko, "")
	same(t, readme, "names in code", codes(en), codes(ko))
	same(t, readme, "links", linked(".", en), linked(".", strings.Replace(ko, "("+readme+")", "("+readmeKo+")", 1)))
	same(t, readme, "numbers", numbers(millions.ReplaceAllString(en, "")), numbers(millions.ReplaceAllString(ko, "")))
}

// section begins a section of the second level.
var section = regexp.MustCompile(`(?m)^## `)

// blocks lists the blocks of a README in order, commands without what is said behind them.
func blocks(text string) []string {
	return fence.FindAllString(shell.ReplaceAllStringFunc(text, func(block string) string { return comment.ReplaceAllString(block, "") }), -1)
}

// targets lists what make is asked for in code.
func targets(text string) []string {
	code := strings.Join(append(inline.FindAllString(text, -1), shell.FindAllString(text, -1)...), "\n")
	return distinct(firsts(target, code))
}

// codes lists the names in code that are the same in every language.
func codes(text string) []string {
	spans := inline.FindAllString(text, -1)
	return distinct(slices.DeleteFunc(spans, func(span string) bool { return strings.Contains(span, " × ") })) // a formula has words
}
