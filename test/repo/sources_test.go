package repo

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	// maxFileLines is where style.md asks for a split.
	maxFileLines = 600
	// maxFuncLines is style.md's bound for a function that is a protocol switch; others are far below.
	maxFuncLines = 110
)

// TestPackageComments: every package says what it does and what it leaves to others, in exactly one place.
func TestPackageComments(t *testing.T) {
	comments := map[string][]string{}
	for _, src := range sources(t, token.NewFileSet()) {
		if src.isTest() {
			continue
		}
		comments[src.pkg()] = append(comments[src.pkg()], "")
		if src.file.Doc == nil {
			continue
		}
		text := src.file.Doc.Text()
		comments[src.pkg()] = append(comments[src.pkg()], text)
		want := "Package " + src.file.Name.Name + " "
		if src.file.Name.Name == "main" {
			want = "Command " + path.Base(src.pkg()) + " "
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%s: got package comment %.40q…, want it to begin with %q", src.path, text, want)
		}
	}
	for pkg, texts := range comments {
		if n := len(slices.DeleteFunc(texts, func(s string) bool { return s == "" })); n != 1 {
			t.Errorf("%s: got %d package comments, want 1", pkg, n)
		}
	}
}

// TestSizes: files and functions stay short enough to be read.
func TestSizes(t *testing.T) {
	fset := token.NewFileSet()
	for _, src := range sources(t, fset) {
		if lines := fset.File(src.file.Pos()).LineCount(); lines > maxFileLines {
			t.Errorf("%s: got %d lines, want at most %d", src.path, lines, maxFileLines)
		}
		for _, decl := range src.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || src.isTest() {
				continue // a table of tests may be as long as it has rows
			}
			if lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; lines > maxFuncLines {
				t.Errorf("%s: func %s has %d lines, want at most %d", src.path, fn.Name.Name, lines, maxFuncLines)
			}
		}
	}
}

// TestForbiddenCalls: nothing hides from a reader or an operator: no init functions, no process exit outside main, no clock in wire.
func TestForbiddenCalls(t *testing.T) {
	fset := token.NewFileSet()
	for _, src := range sources(t, fset) {
		ast.Inspect(src.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: func init: start-up has to be readable in run", fset.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if why := forbidden(src, called(n)); why != "" {
					t.Errorf("%s: %s: %s", fset.Position(n.Pos()), called(n), why)
				}
			}
			return true
		})
	}
}

// called returns the name of a call of a package's function, such as time.Now, or "".
func called(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if pkg, ok := selector.X.(*ast.Ident); ok {
		return pkg.Name + "." + selector.Sel.Name
	}
	return ""
}

func forbidden(src source, name string) string {
	switch {
	case strings.HasPrefix(name, "log.Fatal"):
		return "errors are returned to run, which cleans up"
	case name == "os.Exit" && src.file.Name.Name != "main" && !src.isTest() && !strings.HasSuffix(src.pkg(), "test"):
		return "only main ends the process"
	case strings.HasPrefix(name, "time.") && src.pkg() == "internal/wire" && !src.isTest() && name != "time.Duration":
		return "wire has no clock"
	}
	return ""
}

// TestNoBareSleeps: a test that waits polls a condition with a deadline; a sleep that stands alone is either too short on a busy machine or too
// long on a quiet one.
func TestNoBareSleeps(t *testing.T) {
	fset := token.NewFileSet()
	for _, src := range sources(t, fset) {
		if !src.isTest() || usesSynctest(src) { // in a bubble of testing/synctest a sleep takes no time and is exact
			continue
		}
		inLoop := map[ast.Node]bool{}
		ast.Inspect(src.file, func(n ast.Node) bool {
			loop, ok := n.(*ast.ForStmt)
			if !ok {
				return true
			}
			ast.Inspect(loop, func(inner ast.Node) bool {
				inLoop[inner] = true
				return true
			})
			return true
		})
		ast.Inspect(src.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && called(call) == "time.Sleep" && !inLoop[call] && !forEver(call) {
				t.Errorf("%s: time.Sleep outside a polling loop", fset.Position(call.Pos()))
			}
			return true
		})
	}
}

// forEver reports whether a sleep stands for a process that hangs on purpose.
func forEver(sleep *ast.CallExpr) bool {
	span, ok := sleep.Args[0].(*ast.SelectorExpr)
	return ok && span.Sel.Name == "Hour"
}

func usesSynctest(src source) bool {
	return slices.Contains(src.imports(), "testing/synctest")
}
