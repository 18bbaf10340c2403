package repo

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	labs   = "docs/labs"
	labsKo = "docs/labs/ko"
)

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	heading  = regexp.MustCompile(`(?m)^#+ `)
	question = regexp.MustCompile(`\*\*(?:Question|질문) (\d+)\.\*\*`)
	answer   = regexp.MustCompile(`(?m)^(\d+)\. `)
	inline   = regexp.MustCompile("`[^`\n]+`")
	figure   = regexp.MustCompile(`[0-9](?:[0-9.,]*[0-9])`)
)

// TestLabsInBothLanguages: a lab says the same in English and in Korean, as far as a program can tell: the blocks of code byte for byte, headings,
// questions and answers, and outside of the blocks names in code, links, and numbers of two digits and more. So nobody changes a lab in one language
// only. TestDocumentsRun runs the English commands, and these are the same.
func TestLabsInBothLanguages(t *testing.T) {
	names := labNames(t, labs)
	same(t, labs, "files", names, labNames(t, labsKo))
	if t.Failed() {
		return
	}
	for _, name := range names {
		english, korean := read(t, path.Join(labs, name)), read(t, path.Join(labsKo, name))
		same(t, name, "blocks of code", fence.FindAllString(english, -1), fence.FindAllString(korean, -1))
		english, korean = fence.ReplaceAllString(english, ""), fence.ReplaceAllString(korean, "")
		same(t, name, "headings", heading.FindAllString(english, -1), heading.FindAllString(korean, -1))
		same(t, name, "questions", firsts(question, english), firsts(question, korean))
		same(t, name, "answers", firsts(answer, english), firsts(answer, korean))
		same(t, name, "names in code", distinct(inline.FindAllString(english, -1)), distinct(inline.FindAllString(korean, -1)))
		same(t, name, "links", linked(labs, english), linked(labsKo, korean))
		same(t, name, "numbers", numbers(english), numbers(korean))
	}
}

// TestLabsAreListed: each language's list of labs links to every lab of that language.
func TestLabsAreListed(t *testing.T) {
	for _, dir := range []string{labs, labsKo} {
		list := linked(dir, read(t, path.Join(dir, "README.md")))
		for _, name := range labNames(t, dir) {
			if !slices.Contains(list, path.Join(labs, name)) {
				t.Errorf("%s/README.md does not link to %s", dir, name)
			}
		}
	}
}

// labNames lists the labs of a directory, and what belongs to them.
func labNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, dir, "*.md"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: got labs %v, error %v; want some", dir, found, err)
	}
	for _, file := range found {
		if name := filepath.Base(file); name != "README.md" {
			names = append(names, name)
		}
	}
	return names
}

// linked lists the files of the repository to which a document in dir links, Korean labs under the names of the English ones.
func linked(dir, text string) []string {
	var targets []string
	for _, link := range firsts(markdownLink, text) {
		target, _, _ := strings.Cut(link, "#")
		if !strings.Contains(target, "://") {
			target = strings.Replace(path.Join(dir, target), labsKo, labs, 1)
		}
		targets = append(targets, target)
	}
	return distinct(targets)
}

// numbers lists the numbers of two digits and more outside of code; shorter ones may be words in one of two languages.
func numbers(text string) []string {
	text = markdownLink.ReplaceAllString(inline.ReplaceAllString(text, ""), "]")
	return distinct(figure.FindAllString(text, -1))
}

// distinct returns the sorted set of a list.
func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// same reports where two languages differ, naming what one of them has and the other has not.
func same(t *testing.T, name, what string, english, korean []string) {
	t.Helper()
	if slices.Equal(english, korean) {
		return
	}
	t.Errorf("%s: got %d %s in English and %d in Korean, want the same;\nonly in English: %q\nonly in Korean: %q",
		name, len(english), what, len(korean), without(english, korean), without(korean, english))
}

// without returns what of a list is not in another one.
func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}
