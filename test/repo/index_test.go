package repo

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// TestDocumentsAreListed: docs/README.md leads to every document of docs/, and to the README of every other folder that has one; README.md leads to it.
func TestDocumentsAreListed(t *testing.T) {
	const index = "docs/README.md"
	listed := linked(path.Dir(index), read(t, index))
	for _, name := range files(t, ".md") {
		if name == index || !isEntrance(name) || slices.Contains(listed, strings.Replace(name, labsKo, labs, 1)) {
			continue
		}
		t.Errorf("%s does not link to %s", index, name)
	}
	if !slices.Contains(linked(".", read(t, "README.md")), index) {
		t.Errorf("README.md does not link to %s", index)
	}
}

// isEntrance reports whether a document has to be in the index itself: others, such as decisions and labs, are listed in the README of their folder,
// and those of foreign code are no documents of ours.
func isEntrance(name string) bool {
	return path.Dir(name) == "docs" || path.Base(name) == "README.md" && !strings.Contains(name, "/assets/")
}
