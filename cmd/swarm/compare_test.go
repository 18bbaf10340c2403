package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tickgate/internal/load/report"
)

func TestCompareCommand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good := write("good.json", `{"schema":"`+report.Schema+`","plan":{"planned":10}}`)
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"two reports", []string{good, good}, exitOK, "One pair of runs"},
		{"JSON", []string{"--json", good, good}, exitOK, `"schema": "tickgate-compare/1"`},
		{"one file", []string{good}, exitUsage, "B.json"},
		{"no such file", []string{good, dir + "/none.json"}, exitUsage, "none.json"},
		{"not JSON", []string{good, write("text.json", "hello")}, exitUsage, "text.json"},
		{"a page", []string{good, write("page.html", "\n<!doctype html>")}, exitUsage, "page.html: this is the page; give the JSON (--json FILE)"},
		{"another schema", []string{good, write("k6.json", `{"schema":"k6/1"}`)}, exitUsage, `its schema is "k6/1" and not ` + report.Schema},
		{"unknown flag", []string{"--yaml", good, good}, exitUsage, "--yaml"},
	}
	for _, tt := range tests {
		var stdout, stderr strings.Builder
		code := run(t.Context(), append([]string{"compare"}, tt.args...), &stdout, &stderr)
		if got := stdout.String() + stderr.String(); code != tt.code || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %d and\n%s\nwant %d and %q", tt.name, code, got, tt.code, tt.want)
		}
	}
}
