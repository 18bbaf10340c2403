package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"tickgate/internal/lab/bench/benchtest"
	"tickgate/internal/lab/sysctl"
)

// envTree makes the test binary lab itself, with sysctls in the directory that is its value.
const envTree = "LAB_TEST_TREE"

func TestMain(m *testing.M) {
	benchtest.Main()
	if tree := os.Getenv(envTree); tree != "" {
		os.Exit(run(context.Background(), program{
			args: os.Args[1:], self: []string{os.Args[0]}, stdout: os.Stdout, stderr: os.Stderr, tree: sysctl.Tree{Root: tree},
		}))
	}
	goleak.VerifyTestMain(m)
}

// world is a directory with stand-ins for the programs, a tree of sysctls and an experiment that changes them.
type world struct {
	t                                 *testing.T
	dir, tree, out, experiment, state string
	gateway, swarm                    string
}

// originals is what the sysctls are before and after.
var originals = map[string]string{"net.core.somaxconn": "4096", "net.ipv4.tcp_notsent_lowat": "4294967295"}

const changing = `
question: Does it matter?
expectation: No.
design: {order: random, repeats: 6, warmup: 0s, measure: 20ms, cooldown: 0s, timeout: 2m}
metrics: [{name: latency, value: swarm.latency.p99_ms, better: lower}]
common: {swarm: {conns: 2}, sysctl: {net.core.somaxconn: 100}}
variants:
  - {name: A, sysctl: {net.ipv4.tcp_notsent_lowat: 111}}
  - {name: B, sysctl: {net.ipv4.tcp_notsent_lowat: 222}}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, tree: filepath.Join(dir, "sys"), out: filepath.Join(dir, "out"), state: filepath.Join(dir, "state")}
	for name, value := range originals {
		w.write("sys/"+strings.ReplaceAll(name, ".", "/"), value+"\n")
	}
	w.experiment = w.write("changing.yaml", changing)
	var err error
	if w.gateway, w.swarm, err = benchtest.Install(dir); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// args adds what keeps lab within this world.
func (w *world) args(args ...string) []string {
	return append(args, "--gateway="+w.gateway, "--swarm="+w.swarm, "--state="+w.state)
}

// lab returns lab as a process, not yet started.
func (w *world) lab(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	// Without the race detector's second of sleep at the end of every process.
	cmd.Env = append(os.Environ(), envTree+"="+w.tree, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// run runs lab to its end and returns its status and output.
func (w *world) run(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	cmd := w.lab(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// checkSysctls compares the tree with what it was.
func (w *world) checkSysctls(when string) {
	w.t.Helper()
	for name, want := range originals {
		if got, err := (sysctl.Tree{Root: w.tree}).Read(name); err != nil || got != want {
			w.t.Errorf("%s: %s: got %q, %v, want %q", when, name, got, err, want)
		}
	}
}

// unlocked reports whether neither a lab nor a guardian is at work.
func (w *world) unlocked() bool {
	lock, err := os.Open(filepath.Join(w.state, "lock"))
	if err != nil {
		return os.IsNotExist(err) // nothing has begun
	}
	defer lock.Close()
	return unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// programs returns the command lines of this world's stand-ins that still run.
func (w *world) programs() (lines []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if bytes.Contains(line, []byte(w.gateway)) || bytes.Contains(line, []byte(w.swarm)) {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// eventually polls ok until it holds, for at most a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
