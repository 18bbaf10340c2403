package repo

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var longFlag = regexp.MustCompile(`(?m)^\s+(?:-\w, )?--(?:\[no-\])?([a-z][a-z0-9-]*)`)

// TestFlagsAreDocumented: the README names every flag that --help names, and no flag that does not exist.
func TestFlagsAreDocumented(t *testing.T) {
	readme := read(t, "README.md")
	known := map[string]bool{}
	for _, program := range []string{"gateway", "swarm"} {
		cmd := exec.Command("go", "run", "./cmd/"+program, "--help")
		cmd.Dir = root
		help, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s --help: %v\n%s", program, err, help)
		}
		flags := longFlag.FindAllStringSubmatch(string(help), -1)
		if len(flags) < 10 {
			t.Errorf("%s --help: got %d flags, want many more: is its format another one?\n%s", program, len(flags), help)
		}
		for _, flag := range flags {
			known[flag[1]] = true
			if !regexp.MustCompile("--" + flag[1] + `([^a-z0-9-]|$)`).MatchString(readme) {
				t.Errorf("%s: README.md does not name --%s", program, flag[1])
			}
		}
	}
	for _, named := range regexp.MustCompile("`--([a-z][a-z0-9-]*)").FindAllStringSubmatch(readme, -1) {
		if !known[named[1]] {
			t.Errorf("README.md names --%s, which neither program has", named[1])
		}
	}
}

// TestTargetsAreListed: `make help` lists every target that is meant to be called.
func TestTargetsAreListed(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, target := range regexp.MustCompile(`(?m)^\.PHONY: (.+)$`).FindAllStringSubmatch(makefile, -1) {
		for _, name := range strings.Fields(target[1]) {
			if !regexp.MustCompile(`(?m)^` + name + `:.*## .+`).MatchString(makefile) {
				t.Errorf("Makefile: target %s has no text for `make help`", name)
			}
		}
	}
	for _, named := range regexp.MustCompile("`make ([a-z][a-z0-9-]*)").FindAllStringSubmatch(read(t, "README.md"), -1) {
		if !regexp.MustCompile(`(?m)^` + named[1] + `:`).MatchString(makefile) {
			t.Errorf("README.md names `make %s`, which the Makefile does not have", named[1])
		}
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks: links between the documents lead to files that exist.
func TestLinks(t *testing.T) {
	for _, name := range files(t, ".md") {
		for _, link := range markdownLink.FindAllStringSubmatch(read(t, name), -1) {
			target, _, _ := strings.Cut(link[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, path.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
		}
	}
}

// TestDecisions: decisions are numbered without holes and doubles, and each has a heading.
func TestDecisions(t *testing.T) {
	var numbers []string
	for _, name := range files(t, ".md") {
		base, ok := strings.CutPrefix(name, "docs/decisions/")
		if !ok || base == "README.md" {
			continue
		}
		if !regexp.MustCompile(`^\d{4}-[a-z0-9-]+\.md$`).MatchString(base) {
			t.Errorf("%s: want a name like 0001-title-in-words.md", name)
			continue
		}
		numbers = append(numbers, base[:4])
		if !strings.HasPrefix(read(t, name), "# ") {
			t.Errorf("%s: want a heading in the first line", name)
		}
	}
	slices.Sort(numbers)
	if unique := slices.Compact(slices.Clone(numbers)); len(unique) != len(numbers) {
		t.Errorf("got decisions %v, want no number twice", numbers)
	}
}

// TestScripts: every shell script parses, stops at errors and can be executed.
func TestScripts(t *testing.T) {
	for _, name := range append(files(t, ".sh"), ".ci/run") {
		file := filepath.Join(root, name)
		if out, err := exec.Command("bash", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if text := read(t, name); !strings.Contains(text, "set -euo pipefail") && !strings.Contains(text, "set -uo pipefail") {
			t.Errorf("%s: want set -euo pipefail", name)
		}
		if info, err := os.Stat(file); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: want it executable", name)
		}
	}
}
