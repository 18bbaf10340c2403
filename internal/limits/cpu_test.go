package limits_test

import (
	"strings"
	"testing"

	"tickgate/internal/limits"
)

// cpus is a machine with two of four processors online, all four in the process's mask.
var cpus = plain.
	replace("proc/42/status", "CapBnd", "Cpus_allowed_list:\t0-3\nCapBnd").
	with(tree{"sys/devices/system/cpu/online": "0,2\n"})

// quota is cpus with the given file of a cgroup.
func quota(path, content string) tree {
	mounts := "31 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	if !strings.HasSuffix(path, "cpu.max") {
		mounts = "31 22 0:28 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n"
	}
	return cpus.with(tree{
		"proc/42/mountinfo": mounts, "proc/42/cgroup": "0::/\n1:cpu:/\n",
		"sys/fs/cgroup/" + path: content, "sys/fs/cgroup/cpu.cfs_period_us": "50000\n",
	})
}

func TestCPU(t *testing.T) {
	tests := []struct {
		name         string
		tree         tree
		demand       limits.Demand
		cpus         float64
		holds        int
		change, undo string
	}{
		{"two cores, both ends", cpus, limits.Demand{Conns: 200_000, Role: limits.Both, Rate: 1}, 2, 195_121, "add processors, send less often, or share the connections with another machine", ""},
		{"two cores, server", cpus, limits.Demand{Conns: 400_000, Rate: 1}, 2, 307_692, "add processors, send less often, or share the connections with another machine", ""},
		{"two cores, clients", cpus, limits.Demand{Conns: 600_000, Role: limits.Swarm, Rate: 1}, 2, 533_333, "add processors, send less often, or share the connections with another machine", ""},
		{"ten a second", cpus, limits.Demand{Conns: 100_000, Role: limits.Both, Rate: 10}, 2, 19_512, "add processors, send less often, or share the connections with another machine", ""},
		{"one core by affinity", cpus.replace("proc/42/status", "0-3", "2"), limits.Demand{Conns: 100_000, Role: limits.Both, Rate: 1}, 1, 97_560, "add processors, send less often, or share the connections with another machine", ""},
		{
			"quota v2", quota("cpu.max", "50000 100000\n"),
			limits.Demand{Conns: 100_000, Role: limits.Both, Rate: 1},
			0.5, 48_780,
			`echo "102500 100000" | sudo tee /sys/fs/cgroup/cpu.max`, `echo "50000 100000" | sudo tee /sys/fs/cgroup/cpu.max`,
		},
		{
			"quota v1", quota("cpu.cfs_quota_us", "25000\n"),
			limits.Demand{Conns: 100_000, Role: limits.Both, Rate: 1},
			0.5, 48_780,
			"echo 51250 | sudo tee /sys/fs/cgroup/cpu.cfs_quota_us", "echo 25000 | sudo tee /sys/fs/cgroup/cpu.cfs_quota_us",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.tree.read(t)
			if s.CPUs != tt.cpus {
				t.Errorf("CPUs: got %v, want %v", s.CPUs, tt.cpus)
			}
			f := s.Fit(tt.demand)
			c := f.Wall(limits.Pace)
			if c.Name != "cpu" || c.Holds != tt.holds || c.OK() || c.Change != tt.change || c.Undo != tt.undo {
				t.Errorf("got %s, enough for %d, undo %s; want cpu for %d, %s, undo %s", c, c.Holds, c.Undo, tt.holds, tt.change, tt.undo)
			}
			if f.Conns != tt.demand.Conns {
				t.Errorf("got %d connections, want the processors not to count against holding them", f.Conns)
			}
		})
	}
}

// TestThreads asserts that of all bounds on threads the one with the least room counts.
func TestThreads(t *testing.T) {
	tests := []struct {
		name string
		tree tree
		want limits.Tasks
	}{
		{"machine", tree{"proc/sys/kernel/threads-max": "500\n", "proc/sys/kernel/pid_max": "32768\n"}, limits.Tasks{Limit: 500, Used: 120, LimitFile: "/proc/sys/kernel/threads-max"}},
		{"ids", tree{"proc/sys/kernel/threads-max": "500\n", "proc/sys/kernel/pid_max": "301\n"}, limits.Tasks{Limit: 301, Used: 120, LimitFile: "/proc/sys/kernel/pid_max"}},
		{"cgroup", tree{
			"proc/sys/kernel/threads-max": "500\n", "proc/42/mountinfo": "31 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/pids.max": "64\n", "sys/fs/cgroup/pids.current": "4\n",
		}, limits.Tasks{Limit: 64, Used: 4, LimitFile: "/sys/fs/cgroup/pids.max"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := plain.with(tree{"proc/loadavg": "0.1 0.2 0.3 1/120 4711\n"}).with(tt.tree).read(t)
			if s.Tasks != tt.want {
				t.Errorf("got %+v, want %+v", s.Tasks, tt.want)
			}
		})
	}
	s := plain.with(tree{"proc/loadavg": "0.1 0.2 0.3 1/120 4711\n", "proc/sys/kernel/pid_max": "301\n"}).read(t)
	c := s.Explain(errAgain, limits.Demand{Conns: 10_000_000})
	if want := "sudo sysctl -w kernel.pid_max="; !strings.Contains(c, want) {
		t.Errorf("got %q, want %q in it", c, want)
	}
}

func TestTargetsMultiplyPorts(t *testing.T) {
	s := plain.read(t)
	for targets, want := range map[int]int{0: 28_232, 1: 28_232, 3: 84_696} {
		f := s.Fit(limits.Demand{Conns: 1_000_000, Role: limits.Swarm, Sources: 1, Targets: targets})
		if w := f.Wall(limits.Machine); w.Name != "net.ipv4.ip_local_port_range" || w.Holds != want {
			t.Errorf("%d targets: got %s for %d, want the ports for %d", targets, w.Name, w.Holds, want)
		}
	}
}
