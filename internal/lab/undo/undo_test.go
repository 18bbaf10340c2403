package undo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/lab/sysctl"
	"tickgate/internal/lab/undo"
)

func open(t *testing.T, dir string) *undo.Keeper {
	t.Helper()
	k, err := undo.Open(config(dir, t.Logf))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func TestApplyAndRestore(t *testing.T) {
	dir := newTree(t)
	k := open(t, dir)
	for n := range 3 {
		if err := k.Apply(changed(n)); err != nil {
			t.Fatal(err)
		}
		got, err := sysctl.Tree{Root: filepath.Join(dir, "tree")}.Read("net.ipv4.tcp_notsent_lowat")
		if want := strconv.Itoa(16384 + n); err != nil || got != want {
			t.Errorf("applied: got %q, %v, want %q", got, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "state", "undo.json")); err != nil {
			t.Errorf("applied: got %v, want an undo file", err)
		}
		if err := k.Restore(); err != nil {
			t.Fatal(err)
		}
		check(t, dir, "restored")
	}
}

func TestUnknownSettingChangesNothing(t *testing.T) {
	dir := newTree(t)
	k := open(t, dir)
	err := k.Apply(append(changed(0), undo.Setting{Name: "net.ipv4.tcp_no_such_thing", Value: "1"}))
	if err == nil || !strings.Contains(err.Error(), "net.ipv4.tcp_no_such_thing") {
		t.Errorf("got %v, want an error that names the setting", err)
	}
	check(t, dir, "after the error")
}

// TestUnwritableSettingChangesNothing: settings changed before the one that fails are restored.
func TestUnwritableSettingChangesNothing(t *testing.T) {
	dir := newTree(t)
	// A file of the kernel's that can be read but not written, not even by root.
	if err := os.Symlink("/proc/self/wchan", filepath.Join(dir, "tree", "net", "ipv4", "fixed")); err != nil {
		t.Fatal(err)
	}
	k := open(t, dir)
	if err := k.Apply(append(changed(0), undo.Setting{Name: "net.ipv4.fixed", Value: "1"})); err == nil {
		t.Error("got no error, want one")
	}
	if err := k.Apply(changed(1)); !errors.Is(err, undo.ErrHeld) {
		t.Errorf("again: got %v, want ErrHeld", err)
	}
	// The setting itself cannot be restored either, so the undo file has to stay; all others are as they were.
	tree := sysctl.Tree{Root: filepath.Join(dir, "tree")}
	for name, want := range originals {
		if got, err := tree.Read(name); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestCloseRestores(t *testing.T) {
	dir := newTree(t)
	k, err := undo.Open(config(dir, t.Logf))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Apply(changed(0)); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, dir, "closed")
}

func TestKilledGuardianIsReplaced(t *testing.T) {
	dir := newTree(t)
	k := open(t, dir)
	if err := k.Apply(changed(0)); err != nil {
		t.Fatal(err)
	}
	kill(t, guardians(t, os.Getpid()))
	if err := k.Restore(); err != nil {
		t.Fatal(err)
	}
	if err := k.Apply(changed(1)); err != nil {
		t.Fatal(err)
	}
	if n := len(guardians(t, os.Getpid())); n != 1 {
		t.Errorf("got %d guardians, want 1", n)
	}
	if err := k.Restore(); err != nil {
		t.Fatal(err)
	}
	check(t, dir, "restored")
}

func TestOneAtATime(t *testing.T) {
	dir := newTree(t)
	open(t, dir)
	cfg := config(dir, t.Logf)
	cfg.Patience = 50 * time.Millisecond
	if _, err := undo.Open(cfg); !errors.Is(err, undo.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
}

// TestKilledAtAnyMoment kills the changing process, and every third time its guardian before it, after a random time. The next keeper finds all as
// it was or restores it before it returns.
func TestKilledAtAnyMoment(t *testing.T) {
	const seed, kills, most = 20261121, 30, 3000
	rng := rand.New(rand.NewPCG(seed, seed))
	dir := newTree(t)
	tree := sysctl.Tree{Root: filepath.Join(dir, "tree")}
	changedAtDeath := 0
	// Where a process hardly gets to run, it may take more than 30 deaths to find one of them in the middle of a change.
	for i := 0; i < kills || changedAtDeath == 0 && i < most; i++ {
		victim := exec.Command(os.Args[0])
		victim.Env = append(os.Environ(), envVictim+"="+dir)
		victim.Stderr = os.Stderr
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the victim has a guardian", func() bool { return len(guardians(t, victim.Process.Pid)) == 1 })
		randomDelay(rng)
		if i%3 == 2 {
			// Stopped, so that it cannot start another guardian.
			if err := victim.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			kill(t, guardians(t, victim.Process.Pid))
			if got, _ := tree.Read("net.ipv4.tcp_wmem"); got != originals["net.ipv4.tcp_wmem"] {
				changedAtDeath++
			}
		}
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := victim.Wait(); err == nil {
			t.Fatal("the victim ended by itself")
		}
		// Open waits for the guardian's lock.
		k, err := undo.Open(config(dir, func(string, ...any) {}))
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		check(t, dir, fmt.Sprintf("kill %d", i))
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if changedAtDeath == 0 {
		t.Errorf("of %d deaths together with the guardian none left settings changed: this test tests nothing", most/3)
	}
}

// randomDelay waits for up to 30 ms, in which a victim changes and restores many times.
func randomDelay(rng *rand.Rand) {
	for end := time.Now().Add(time.Duration(rng.IntN(30_000)) * time.Microsecond); time.Now().Before(end); {
		time.Sleep(50 * time.Microsecond)
	}
}

// TestRealSetting does it with a setting of the running kernel that no connection of this test uses.
func TestRealSetting(t *testing.T) {
	const name = "net.ipv4.tcp_keepalive_probes"
	var kernel sysctl.Tree
	original, err := kernel.Read(name)
	if err != nil {
		t.Skip(err)
	}
	if err := kernel.Write(name, original); err != nil {
		t.Skipf("sysctls cannot be written here: %v", err)
	}
	t.Cleanup(func() { kernel.Write(name, original) })
	dir := t.TempDir()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), envVictim+"="+dir, envReal+"="+name)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the setting is changed", func() bool {
		got, err := kernel.Read(name)
		return err == nil && got != original
	})
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	victim.Wait()
	eventually(t, "the setting is restored", func() bool {
		got, err := kernel.Read(name)
		return err == nil && got == original
	})
}

// TestLeftover: the undo file of a keeper that died together with its guardian is honoured, unless the machine was booted since.
func TestLeftover(t *testing.T) {
	for _, sameBoot := range []bool{true, false} {
		dir := newTree(t)
		k := open(t, dir)
		if err := k.Apply(changed(0)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "state", "undo.json")
		left, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}

		var j map[string]any
		if err := json.Unmarshal(left, &j); err != nil {
			t.Fatal(err)
		}
		if !sameBoot {
			j["boot"] = "another"
		}
		left, _ = json.Marshal(j)
		if err := os.WriteFile(file, left, 0o644); err != nil {
			t.Fatal(err)
		}
		probes := filepath.Join(dir, "tree", "net", "ipv4", "tcp_keepalive_probes")
		if err := os.WriteFile(probes, []byte("1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		k = open(t, dir)
		got, _ := os.ReadFile(probes)
		if restored := string(got) == "9\n"; restored != sameBoot {
			t.Errorf("same boot %v: got %q, want it restored only then", sameBoot, got)
		}
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("same boot %v: got an undo file (%v), want none", sameBoot, err)
		}
		k.Close()
	}
}

// TestTornUndoFile: what cannot be understood is reported and not thrown away.
func TestTornUndoFile(t *testing.T) {
	dir := newTree(t)
	file := filepath.Join(dir, "state", "undo.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"settings":[`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := undo.Open(config(dir, t.Logf)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names %s", err, file)
	}
}

// guardians returns the children of a process that are guardians.
func guardians(t *testing.T, parent int) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, task := range tasks {
		list, _ := os.ReadFile(task)
		for field := range strings.FieldsSeq(string(list)) {
			line, _ := os.ReadFile("/proc/" + field + "/cmdline")
			if strings.Contains(string(line), "\x00"+roleGuardian) {
				pid, _ := strconv.Atoi(field)
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// kill kills processes that this test or its victim started, and waits until they are gone or zombies.
func kill(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the guardian is dead", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			_, state, _ := strings.Cut(string(stat), ") ")
			return err != nil || strings.HasPrefix(state, "Z")
		})
	}
}
