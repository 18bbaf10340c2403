// Package sysctl reads and writes kernel settings as files below a directory, /proc/sys unless a test says otherwise. It remembers nothing: that a
// setting finds back is the business of package undo.
package sysctl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Tree is the directory of the settings. The zero value is the kernel's. It is safe for concurrent use as far as the kernel is.
type Tree struct {
	Root string // default /proc/sys
}

// Read returns the value of a setting with its fields separated by single spaces, as the kernel would print 4096	16384	4194304 otherwise.
func (t Tree) Read(name string) (string, error) {
	text, err := os.ReadFile(t.path(name))
	if err != nil {
		return "", fmt.Errorf("read sysctl %s: %w", name, err)
	}
	return normal(string(text)), nil
}

// Write sets a setting and checks that it reads back as it was set: the kernel takes some values only to change them silently.
func (t Tree) Write(name, value string) error {
	// Without O_CREATE: a name that does not exist is a mistake, in a test's directory too.
	file, err := os.OpenFile(t.path(name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return fmt.Errorf("write sysctl %s: %w", name, err)
	}
	defer file.Close()
	// In a single write(2): the kernel takes each as a whole value.
	if _, err := file.WriteString(value + "\n"); err != nil {
		return fmt.Errorf("write sysctl %s = %s: %w", name, value, err)
	}
	got, err := t.Read(name)
	if err == nil && got != normal(value) {
		err = fmt.Errorf("write sysctl %s = %s: the kernel made it %s", name, value, got)
	}
	return err
}

// path returns the file of a setting. Names have dots between their parts or, as in sysctl(8), slashes where a part has a dot in it.
func (t Tree) path(name string) string {
	if !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, ".", "/")
	}
	root := t.Root
	if root == "" {
		root = "/proc/sys"
	}
	return filepath.Join(root, filepath.Clean("/"+name))
}

func normal(value string) string { return strings.Join(strings.Fields(value), " ") }

// Writable returns why a setting cannot be written, or nil. It does not write.
func (t Tree) Writable(name string) error {
	if err := unix.Access(t.path(name), unix.W_OK); err != nil {
		return os.NewSyscallError("access", err)
	}
	return nil
}
