package repo

import (
	"regexp"
	"strings"
	"testing"
)

// quote is a block of docs/protocol.md that is quoted from an example.
var quote = regexp.MustCompile("(?is)from \\[(examples/[^\\]]+)\\]\\(\\.\\./([^)]+)\\):\n\n```([a-z]+)\n(.*?)\n```\n")

// TestQuotes: the clients shown in docs/protocol.md are those of examples/, line by line but for the indentation, so that what is shown is what is
// run; and there is one of each language.
func TestQuotes(t *testing.T) {
	const document = "docs/protocol.md"
	_, clients, ok := strings.Cut(read(t, document), "\n## Clients\n")
	if !ok {
		t.Fatalf("%s: got no section Clients", document)
	}
	languages := map[string]bool{}
	quotes := quote.FindAllStringSubmatch(clients, -1)
	for _, q := range quotes {
		name, target, language, text := q[1], q[2], q[3], q[4]
		languages[language] = true
		if name != target {
			t.Errorf("%s: the text says %s and the link %s", document, name, target)
		}
		if !strings.Contains("\n"+flush(read(t, name))+"\n", "\n"+flush(text)+"\n") {
			t.Errorf("%s: not in %s, line by line:\n%s", document, name, text)
		}
	}
	if fences := strings.Count(clients, "```"); fences != 2*len(quotes) {
		t.Errorf("%s, Clients: got %d fences, want those of %d quotes only, each behind a line `From [examples/…](../examples/…):`", document, fences, len(quotes))
	}
	for _, language := range []string{"sh", "js", "go", "python", "java"} {
		if !languages[language] {
			t.Errorf("%s: got no quote in %s", document, language)
		}
	}
}

// flush takes the indentation away.
func flush(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, " \t")
	}
	return strings.Join(lines, "\n")
}
