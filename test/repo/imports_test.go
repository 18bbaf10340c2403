package repo

import (
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "tickgate/"

// TestImportDirections holds the packages to the table of design.md, section 2.
func TestImportDirections(t *testing.T) {
	rows := map[string]layer{}
	for _, row := range layers {
		rows[row.pkg] = row
	}
	for _, src := range sources(t, token.NewFileSet()) {
		row, known := rows[src.pkg()]
		if !known {
			t.Errorf("%s: package %s has no row in the table of import directions", src.path, src.pkg())
			continue
		}
		for _, imported := range src.imports() {
			to, ours := strings.CutPrefix(imported, module)
			if !ours || src.isTest() || slices.Contains(row.may, to) {
				continue
			}
			t.Errorf("%s imports %s: %s", src.path, to, reason(row, to))
		}
	}
}

// reason is why the row's package must not import another.
func reason(row layer, to string) string {
	for _, edge := range edges {
		if edge.from == row.pkg && edge.to == to {
			return edge.why
		}
	}
	return row.why
}

// TestImportTable checks the table itself: no edge is both allowed and forbidden, none is between unknown packages, and none makes a cycle.
func TestImportTable(t *testing.T) {
	rows := map[string]layer{}
	for _, row := range layers {
		rows[row.pkg] = row
	}
	for _, edge := range edges {
		for _, end := range []string{edge.from, edge.to} {
			if _, known := rows[end]; !known {
				t.Errorf("edge %s -> %s: %s has no row", edge.from, edge.to, end)
			}
		}
		if slices.Contains(rows[edge.from].may, edge.to) {
			t.Errorf("edge %s -> %s is both allowed and forbidden", edge.from, edge.to)
		}
	}
	for i, row := range layers {
		for _, to := range row.may {
			if slices.IndexFunc(layers, func(l layer) bool { return l.pkg == to }) > i {
				t.Errorf("row %s allows %s, which comes below it: rows are sorted from the bottom up", row.pkg, to)
			}
		}
	}
}

// TestThirdPartyOwners holds each third-party module to the packages that own it.
func TestThirdPartyOwners(t *testing.T) {
	for _, src := range sources(t, token.NewFileSet()) {
		for _, imported := range src.imports() {
			for _, owner := range owners {
				if !under(imported, owner.prefix) || slices.Contains(owner.pkgs, src.pkg()) || src.isTest() && !owner.tests {
					continue
				}
				t.Errorf("%s imports %s: %s", src.path, imported, owner.why)
			}
		}
	}
}

// TestPurePackages keeps standard packages out where their use would break a promise.
func TestPurePackages(t *testing.T) {
	for _, src := range sources(t, token.NewFileSet()) {
		for _, rule := range pure {
			if src.pkg() != rule.pkg || src.isTest() {
				continue
			}
			for _, imported := range src.imports() {
				if slices.Contains(rule.without, imported) {
					t.Errorf("%s imports %s: %s", src.path, imported, rule.why)
				}
			}
		}
	}
}

// under reports whether an import path is the prefix or below it.
func under(imported, prefix string) bool {
	return imported == prefix || strings.HasPrefix(imported, prefix+"/") || path.Dir(imported) == prefix
}
