package sysctl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tickgate/internal/lab/sysctl"
)

func tree(t *testing.T) sysctl.Tree {
	t.Helper()
	root := t.TempDir()
	for name, value := range map[string]string{"net/ipv4/tcp_wmem": "4096\t16384\t4194304\n", "net/ipv4/conf/eth0.1/rp_filter": "0\n"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return sysctl.Tree{Root: root}
}

func TestReadAndWrite(t *testing.T) {
	tr := tree(t)
	if got, err := tr.Read("net.ipv4.tcp_wmem"); err != nil || got != "4096 16384 4194304" {
		t.Errorf("got %q, %v, want single spaces", got, err)
	}
	if err := tr.Write("net.ipv4.tcp_wmem", "1 2  3"); err != nil {
		t.Error(err)
	}
	if got, err := tr.Read("net/ipv4/tcp_wmem"); err != nil || got != "1 2 3" {
		t.Errorf("got %q, %v, want what was written", got, err)
	}
	if got, err := tr.Read("net/ipv4/conf/eth0.1/rp_filter"); err != nil || got != "0" {
		t.Errorf("got %q, %v, want 0: with slashes a dot is part of a name", got, err)
	}
}

func TestUnknown(t *testing.T) {
	tr := tree(t)
	const name = "net.ipv4.tcp_no_such_thing"
	_, readErr := tr.Read(name)
	for what, err := range map[string]error{"read": readErr, "write": tr.Write(name, "1"), "writable": tr.Writable(name)} {
		if !os.IsNotExist(err) && (err == nil || !strings.Contains(err.Error(), "no such file")) {
			t.Errorf("%s: got %v, want that it does not exist", what, err)
		}
	}
	if _, err := os.Stat(filepath.Join(tr.Root, "net/ipv4/tcp_no_such_thing")); err == nil {
		t.Error("the setting was made")
	}
}

// TestChangedByTheKernel: /dev/null takes every value and reads as another, as some settings do.
func TestChangedByTheKernel(t *testing.T) {
	tr := tree(t)
	if err := os.Symlink("/dev/null", filepath.Join(tr.Root, "net", "odd")); err != nil {
		t.Fatal(err)
	}
	if err := tr.Write("net.odd", "5"); err == nil || !strings.Contains(err.Error(), "the kernel made it") {
		t.Errorf("got %v, want an error", err)
	}
}

// TestStaysBelowItsRoot: no name leads out of the tree.
func TestStaysBelowItsRoot(t *testing.T) {
	if _, err := tree(t).Read("../../../../../../etc/passwd"); err == nil {
		t.Error("read a file outside of the tree")
	}
}
