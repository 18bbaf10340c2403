package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository's top directory, seen from this package.
const root = "../.."

// source is one parsed Go file.
type source struct {
	path string // from the repository's root, with slashes
	file *ast.File
}

// pkg is the import path of the file's package below the module, such as internal/wire.
func (s source) pkg() string { return path.Dir(s.path) }

// isTest reports whether the file is compiled for tests only.
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// imports lists the import paths of the file.
func (s source) imports() []string {
	list := make([]string, len(s.file.Imports))
	for i, spec := range s.file.Imports {
		list[i] = strings.Trim(spec.Path.Value, `"`)
	}
	return list
}

// files lists the repository's files with the suffix, from its root; directories of tools and outputs are left out.
func files(t *testing.T, suffix string) []string {
	t.Helper()
	var list []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "bin", "out", "node_modules", "testdata":
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, suffix) {
			list = append(list, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sources parses every Go file of the repository.
func sources(t *testing.T, fset *token.FileSet) []source {
	t.Helper()
	var list []source
	for _, name := range files(t, ".go") {
		file, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, source{path: name, file: file})
	}
	return list
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
