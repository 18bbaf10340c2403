package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/lab/sysctl"
)

// TestKilledAtAnyMoment kills lab after a random time, twenty times and more: the sysctls are always what they were, no program is left, and the
// experiment can be continued to its end.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	const seed, kills = 3, 22
	rng := rand.New(rand.NewPCG(seed, seed))
	w := newWorld(t)
	tree := sysctl.Tree{Root: w.tree}
	changed := 0
	var args []string
	for i := range kills {
		if i%4 == 0 { // before it is at its end
			w.out = filepath.Join(w.dir, fmt.Sprintf("out%d", i))
			args = w.args("run", w.experiment, "--out="+w.out, "--seed=1")
		}
		cmd := w.lab(args...)
		cmd.Stderr = os.Stderr
		if testing.Verbose() {
			cmd.Stdout = os.Stdout
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.NewTimer(time.Duration(rng.IntN(500)) * time.Millisecond)
		<-kill.C
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil { // to look at it without a race
			t.Fatal(err)
		}
		if got, _ := tree.Read("net.core.somaxconn"); got != originals["net.core.somaxconn"] {
			changed++
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("lab ended by itself")
		}
		eventually(t, "the guardian is done", w.unlocked)
		if _, err := os.Stat(filepath.Join(w.state, "undo.json")); err == nil {
			t.Errorf("kill %d: got an undo file, want none", i)
		}
		w.checkSysctls(fmt.Sprintf("kill %d", i))
		eventually(t, "the programs are gone", func() bool { return len(w.programs()) == 0 })
		if _, err := os.Stat(filepath.Join(w.out, "manifest.json")); err == nil {
			args = w.args("run", "--resume="+w.out)
		}
	}
	if changed < kills/4 {
		t.Errorf("got sysctls changed at %d of %d deaths, want more for a test", changed, kills)
	}
	code, stdout, stderr := w.run(args...)
	if code != exitOK || !strings.Contains(stdout, "no measurable effect") {
		t.Errorf("resumed: got status %d and %s%s, want the experiment's end", code, stdout, stderr)
	}
	w.checkSysctls("the end")
}

// TestSignals: lab ends in order, restores, and says how to go on.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		w := newWorld(t)
		cmd := w.lab(w.args("run", w.experiment, "--out="+w.out)...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a client is started", func() bool { return len(w.programs()) >= 2 })
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(stderr.String(), "--resume") {
			t.Errorf("%v: got status %d and %s, want %d and a hint at --resume", sig, code, &stderr, exitInterrupted)
		}
		w.checkSysctls(sig.String())
		if left := w.programs(); len(left) > 0 {
			t.Errorf("%v: got %q still running, want none", sig, left)
		}
	}
}

// TestKilledChild: a gateway that somebody kills costs an attempt, not the sysctls.
func TestKilledChild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cmd := w.lab(w.args("run", w.experiment, "--out="+w.out)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a gateway is killed", func() bool { return killOne(w.gateway) })
	if err := cmd.Wait(); err != nil {
		t.Errorf("got %v and %s, want lab to go on", err, &stderr)
	}
	if !strings.Contains(stderr.String(), "failed:") || !strings.Contains(stdout.String(), "failed once and was made again") {
		t.Errorf("got %s%s, want the failure told", &stdout, &stderr)
	}
	w.checkSysctls("the end")
}

// killOne kills a stand-in of this test that serves; others are only asked for their flags.
func killOne(path string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if !strings.HasPrefix(string(line), path+"\x00--listen") {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil {
			return syscall.Kill(pid, syscall.SIGKILL) == nil
		}
	}
	return false
}
