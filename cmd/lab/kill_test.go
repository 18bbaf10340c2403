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
	const seed, kills, most = 3, 22, 500
	v := victim{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, seed))}
	deaths, changed := 0, 0
	for i := 0; deaths < kills || changed < kills/4; i++ {
		if i == most {
			t.Fatalf("got %d deaths in %d runs, sysctls changed at %d of them; want more for a test", deaths, most, changed)
		}
		if i%4 == 0 { // before it is at its end
			v.begin(i)
		}
		died, with := v.runAndKill(i%2 == 0)
		if !died {
			v.begin(i)
			continue
		}
		deaths++
		if with {
			changed++
		}
		v.check(fmt.Sprintf("death %d", deaths))
	}
	code, stdout, stderr := v.run(v.args...)
	if code != exitOK || !strings.Contains(stdout, "no measurable effect") {
		t.Errorf("resumed: got status %d and %s%s, want the experiment's end", code, stdout, stderr)
	}
	v.checkSysctls("the end")
}

// victim is a lab that is killed and resumed.
type victim struct {
	*world
	rng  *rand.Rand
	args []string // of the next start
}

// begin lets the next start be that of a new experiment.
func (v *victim) begin(i int) {
	v.out = filepath.Join(v.dir, fmt.Sprintf("out%d", i))
	v.args = v.world.args("run", v.experiment, "--out="+v.out, "--seed=1")
}

// runAndKill kills lab up to half a second after it has started or, if it is to be late, after it has changed a sysctl: on a slow machine that may take
// longer. It reports whether lab was still alive, and whether sysctls were changed then.
func (v *victim) runAndKill(late bool) (died, with bool) {
	v.t.Helper()
	cmd := v.lab(v.args...)
	cmd.Stderr = os.Stderr
	if testing.Verbose() {
		cmd.Stdout = os.Stdout
	}
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	if late {
		eventually(v.t, "a sysctl is changed, or the end", func() bool { return v.changed() || ended(cmd.Process.Pid) })
	}
	kill := time.NewTimer(time.Duration(v.rng.IntN(500)) * time.Millisecond)
	<-kill.C
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil { // to look at it without a race
		v.t.Fatal(err)
	}
	with = v.changed()
	if err := cmd.Process.Kill(); err != nil {
		v.t.Fatal(err)
	}
	return cmd.Wait() != nil, with
}

func (v *victim) changed() bool {
	got, err := sysctl.Tree{Root: v.tree}.Read("net.core.somaxconn")
	return err == nil && got != originals["net.core.somaxconn"]
}

// ended reports whether a child that nobody has waited for has come to its end.
func ended(pid int) bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

// check looks at what lab has left behind, and resumes if it had begun.
func (v *victim) check(when string) {
	v.t.Helper()
	eventually(v.t, "the guardian is done", v.unlocked)
	if _, err := os.Stat(filepath.Join(v.state, "undo.json")); err == nil {
		v.t.Errorf("%s: got an undo file, want none", when)
	}
	v.checkSysctls(when)
	eventually(v.t, "the programs are gone", func() bool { return len(v.programs()) == 0 })
	if _, err := os.Stat(filepath.Join(v.out, "manifest.json")); err == nil {
		v.args = v.world.args("run", "--resume="+v.out)
	}
}

// TestSignals: lab ends in order, restores, and says how to go on.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		w := newWorld(t)
		// So many runs that it does not end before the signal.
		cmd := w.lab(w.args("run", w.experiment, "--out="+w.out, "--repeats=200")...)
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
	for try := range 20 {
		cmd := w.lab(w.args("run", w.experiment, fmt.Sprintf("--out=%s%d", w.out, try))...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := false
		eventually(t, "a gateway is killed, or the end", func() bool {
			killed = killOne(w.gateway)
			return killed || ended(cmd.Process.Pid)
		})
		if err := cmd.Wait(); err != nil {
			t.Errorf("got %v and %s, want lab to go on", err, &stderr)
		}
		w.checkSysctls("the end")
		if !killed {
			continue // each serves for a few milliseconds only
		}
		if !strings.Contains(stderr.String(), "failed:") || !strings.Contains(stdout.String(), "failed once and was made again") {
			t.Errorf("got %s%s, want the failure told", &stdout, &stderr)
		}
		return
	}
	t.Error("got no gateway to kill in 20 experiments")
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
