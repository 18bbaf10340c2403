package doctor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/procfs"

	"tickgate/internal/limits"
)

// TestLiveCgroup gives the doctor a quota of processor time, and few threads, in a group of its own.
func TestLiveCgroup(t *testing.T) {
	t.Run("cpu", func(t *testing.T) {
		dir := group(t, "cpu")
		write(t, dir, "cpu.cfs_period_us", "100000")
		write(t, dir, "cpu.cfs_quota_us", "50000")
		a := ask(t, join(dir), question(100_000, limits.Both, 1))
		a.want(t, "cpu", "late", 48_780)
		if a.Machine.CPUs != 0.5 || a.Fits || a.Walls.Pace.Conns != 48_780 {
			t.Errorf("got %v CPUs, fits %v, wall %+v; want 0.5 CPUs that end at 48780", a.Machine.CPUs, a.Fits, a.Walls.Pace)
		}
	})
	t.Run("pids", func(t *testing.T) {
		dir := group(t, "pids")
		write(t, dir, "pids.max", "20")
		a := ask(t, join(dir), question(1000, limits.Gateway, 0))
		a.want(t, "pids.max", "stop", 0)
		if a.Walls.First == nil || a.Walls.First.Name != "pids.max" {
			t.Errorf("got first wall %+v, want pids.max", a.Walls.First)
		}
	})
}

// join is a shell command that goes into a group first.
func join(dir string) string {
	return fmt.Sprintf(`echo $$ > %s/cgroup.procs; exec "$@"`, dir)
}

// group makes a group below this process's own, of version 1, until the test ends. A group that somebody else manages is
// left alone: only where this process is at the top of the hierarchy may it make one (cgroups(7), «one writer»).
func group(t *testing.T, controller string) string {
	t.Helper()
	self, err := procfs.Self()
	if err != nil {
		t.Fatal(err)
	}
	groups, err := self.Cgroups()
	if err != nil {
		t.Fatal(err)
	}
	top := slices.ContainsFunc(groups, func(c procfs.Cgroup) bool {
		return c.Path == "/" && slices.Contains(c.Controllers, controller)
	})
	if !top {
		t.Skipf("this process is not at the top of a hierarchy of version 1 with %s", controller)
	}
	dir := filepath.Join("/sys/fs/cgroup", controller, fmt.Sprintf("tickgate-doctor-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func write(t *testing.T, dir, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}
