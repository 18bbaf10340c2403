package undo_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tickgate/internal/lab/sysctl"
	"tickgate/internal/lab/undo"
)

// envVictim makes the test binary a process that changes settings and restores them again and again, until it is killed. Its value is the directory
// that holds the tree and the undo file.
const envVictim = "UNDO_TEST_VICTIM"

// envReal makes the victim change this setting of the running kernel once, and wait to be killed.
const envReal = "UNDO_TEST_REAL"

// roleGuardian as first argument makes the test binary a guardian.
const roleGuardian = "guardian"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == roleGuardian {
		os.Exit(undo.Guard(os.Stderr))
	}
	if dir := os.Getenv(envVictim); dir != "" {
		fmt.Fprintln(os.Stderr, changeUntilKilled(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// originals is what the trees of all tests begin with.
var originals = map[string]string{
	"net.ipv4.tcp_notsent_lowat":    "4294967295",
	"net.ipv4.tcp_keepalive_probes": "9",
	"net.ipv4.tcp_wmem":             "4096 16384 4194304",
}

// newTree makes a directory with a tree of settings.
func newTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range originals {
		path := filepath.Join(dir, "tree", filepath.Join(parts(name)...))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func parts(name string) (list []string) {
	start := 0
	for i, c := range name + "." {
		if c == '.' {
			list = append(list, name[start:i])
			start = i + 1
		}
	}
	return list
}

func config(dir string, log func(string, ...any)) undo.Config {
	return undo.Config{
		Dir:  filepath.Join(dir, "state"),
		Tree: sysctl.Tree{Root: filepath.Join(dir, "tree")},
		Guardian: func() *exec.Cmd {
			cmd := exec.Command(os.Args[0], roleGuardian)
			// A guardian is no victim; and the race detector's second of sleep at the end of a process would be one per kill.
			cmd.Env = append(os.Environ(), envVictim+"=", "GORACE=atexit_sleep_ms=0")
			cmd.Stderr = os.Stderr
			return cmd
		},
		Log: log,
	}
}

// changed are settings that differ from the originals; n makes them differ from each other too.
func changed(n int) []undo.Setting {
	return []undo.Setting{
		{Name: "net.ipv4.tcp_notsent_lowat", Value: strconv.Itoa(16384 + n)},
		{Name: "net.ipv4.tcp_keepalive_probes", Value: strconv.Itoa(1 + n%8)},
		{Name: "net.ipv4.tcp_wmem", Value: fmt.Sprintf("4096 8192 %d", 65536+n)},
	}
}

func changeUntilKilled(dir string) error {
	cfg := config(dir, func(string, ...any) {})
	real := os.Getenv(envReal)
	if real != "" {
		cfg.Tree = sysctl.Tree{}
	}
	k, err := undo.Open(cfg)
	if err != nil {
		return err
	}
	if real != "" {
		err := k.Apply([]undo.Setting{{Name: real, Value: "8"}})
		time.Sleep(time.Hour)
		return err
	}
	for n := 0; ; n++ {
		if err := k.Apply(changed(n)); err != nil {
			return err
		}
		time.Sleep(time.Duration(n%4) * time.Millisecond) // the run of an experiment
		if err := k.Restore(); err != nil {
			return err
		}
	}
}

// check compares the tree with what it was.
func check(t *testing.T, dir, when string) {
	t.Helper()
	tree := sysctl.Tree{Root: filepath.Join(dir, "tree")}
	for name, want := range originals {
		if got, err := tree.Read(name); err != nil || got != want {
			t.Errorf("%s: %s: got %q, %v, want %q", when, name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "state", "undo.json")); !os.IsNotExist(err) {
		t.Errorf("%s: got an undo file (%v), want none", when, err)
	}
}

// eventually polls ok until it holds, for at most a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
