package limits_test

import (
	"strings"
	"testing"

	"tickgate/internal/limits"
)

func TestRead(t *testing.T) {
	got := plain.read(t)
	want := limits.Snapshot{
		CPUs:   got.CPUs,
		Files:  limits.Files{Soft: 1024, Hard: 524288, Raisable: true, NrOpen: 1048576, Max: limits.Unlimited, Open: 600, Watches: 1750000},
		Memory: limits.Memory{Total: 8000000 << 10, Available: 6000000 << 10, Limit: limits.Unlimited},
		TCP: limits.TCP{
			Somaxconn: 4096, SynBacklog: 2048, Syncookies: 1, MemUsed: 54, PortLow: 32768, PortHigh: 60999,
			Mem: [3]int64{90000, 120000, 180000}, Rmem: [3]int64{4096, 131072, 6291456}, Wmem: [3]int64{4096, 16384, 4194304},
		},
		Conntrack: limits.Conntrack{Max: 262144},
		Tasks:     limits.Tasks{Limit: limits.Unlimited},
	}
	if *got != want {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if got.CPUs < 1 {
		t.Errorf("CPUs: got %v, want at least 1", got.CPUs)
	}
	if n := got.TCP.Ports(); n != 28232 {
		t.Errorf("ports: got %d, want 28232", n)
	}
}

func TestReadThisMachine(t *testing.T) {
	s, err := limits.Read("/")
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int64{
		"nofile": s.Files.Hard, "nr_open": s.Files.NrOpen, "memory": s.Memory.Room(), "somaxconn": s.TCP.Somaxconn,
	} {
		if n <= 0 {
			t.Errorf("%s: got %d, want more than 0", name, n)
		}
	}
}

func TestReadMissingKeys(t *testing.T) {
	s := plain.with(tree{
		"proc/sys/fs/epoll/max_user_watches":        "",
		"proc/sys/net/netfilter/nf_conntrack_max":   "",
		"proc/sys/net/netfilter/nf_conntrack_count": "",
		"proc/net/sockstat":                         "",
	}).read(t)
	if s.Files.Watches != 0 || s.Conntrack.Max != 0 || s.TCP.MemUsed != 0 {
		t.Errorf("got %+v, want zeros for what is missing", *s)
	}
	for _, c := range s.Fit(limits.Demand{Conns: 10}).Checks {
		if strings.Contains(c.Name, "epoll") || strings.Contains(c.Name, "conntrack") {
			t.Errorf("got a check of %s, want none: the kernel lacks it", c.Name)
		}
	}
}

func TestReadBroken(t *testing.T) {
	for name, files := range map[string]tree{
		"not a number":   {"proc/sys/fs/nr_open": "many\n"},
		"no nofile line": {"proc/42/limits": "Limit Soft Hard\n"},
		"bad mountinfo":  {"proc/42/mountinfo": "nonsense\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := limits.Read(plain.with(files).write(t)); err == nil {
				t.Error("got no error, want one")
			}
		})
	}
	if _, err := limits.Read(t.TempDir()); err == nil {
		t.Error("without proc: got no error, want one")
	}
}

func TestCgroups(t *testing.T) {
	const (
		v1 = "31 22 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n" +
			"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
			"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
			"39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
		v2        = "31 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
		none      = "9223372036854771712\n"
		unlimited = limits.Unlimited
	)
	tests := []struct {
		name         string
		mounts, self string
		files        tree
		memory, used int64
		memoryFile   string
		tasks        int64
		quota        float64 // 0: none
	}{
		{name: "v1 without limits", mounts: v1, self: "1:cpu,cpuacct:/\n4:memory:/a/b\n8:pids:/\n", files: tree{
			"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
			"memory/memory.limit_in_bytes": none, "memory/a/memory.limit_in_bytes": none, "memory/a/b/memory.limit_in_bytes": none,
		}, memory: unlimited, tasks: unlimited},
		{name: "v1 limited above, cache not counted", mounts: v1, self: "4:memory:/a/b\n8:pids:/a\n1:cpu,cpuacct:/a\n", files: tree{
			"memory/a/memory.limit_in_bytes": "1000000000\n", "memory/a/memory.usage_in_bytes": "600000000\n",
			"memory/a/memory.stat":             "cache 500000000\ntotal_cache 1\ntotal_inactive_file 400000000\n",
			"memory/a/b/memory.limit_in_bytes": none,
			"pids/a/pids.max":                  "300\n", "pids/a/pids.current": "10\n",
			"cpu,cpuacct/a/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
		}, memory: 1000000000, used: 200000000, memoryFile: "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", tasks: 300, quota: 0.5},
		{
			name: "v1 container sees its group at the top", self: "4:memory:/docker/c0ffee\n",
			mounts: strings.ReplaceAll(v1, "0:32 / ", "0:32 /docker/c0ffee "), files: tree{
				"memory/memory.limit_in_bytes": "536870912\n", "memory/memory.usage_in_bytes": "36870912\n",
			}, memory: 536870912, used: 36870912, memoryFile: "/sys/fs/cgroup/memory/memory.limit_in_bytes", tasks: unlimited,
		},
		{name: "v2 without limits", mounts: v2, self: "0::/user.slice\n", files: tree{
			"user.slice/memory.max": "max\n", "user.slice/pids.max": "max\n", "user.slice/cpu.max": "max 100000\n",
		}, memory: unlimited, tasks: unlimited},
		{name: "v2 takes the group with the least room", mounts: v2, self: "0::/system.slice/tickgate.service\n", files: tree{
			"system.slice/memory.max": "2000000000\n", "system.slice/memory.current": "1900000000\n",
			"system.slice/memory.stat":                 "anon 1\ninactive_file 100000000\n",
			"system.slice/tickgate.service/memory.max": "1000000000\n", "system.slice/tickgate.service/memory.current": "1000000\n",
			"system.slice/tickgate.service/pids.max": "64\n", "system.slice/tickgate.service/pids.current": "4\n",
			"system.slice/tickgate.service/cpu.max": "25000 100000\n",
		}, memory: 2000000000, used: 1800000000, memoryFile: "/sys/fs/cgroup/system.slice/memory.max", tasks: 64, quota: 0.25},
		{name: "v2 path outside of what is visible", mounts: v2, self: "0::/../other\n", files: tree{
			"memory.max": "700000000\n", "memory.current": "0\n",
		}, memory: 700000000, memoryFile: "/sys/fs/cgroup/memory.max", tasks: unlimited},
		{
			name: "both: the controller is where version 1 mounts it", self: "4:memory:/\n0::/x\n",
			mounts: v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", files: tree{
				"memory/memory.limit_in_bytes": "800000000\n", "memory/memory.usage_in_bytes": "1\n", "unified/x/memory.max": "1\n",
			}, memory: 800000000, used: 1, memoryFile: "/sys/fs/cgroup/memory/memory.limit_in_bytes", tasks: unlimited,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := tree{"proc/42/mountinfo": tt.mounts, "proc/42/cgroup": tt.self}
			for path, content := range tt.files {
				files["sys/fs/cgroup/"+path] = content
			}
			s := plain.with(files).read(t)
			if m := s.Memory; m.Limit != tt.memory || m.Used != tt.used || m.LimitFile != tt.memoryFile {
				t.Errorf("memory: got %d used %d in %q, want %d used %d in %q", m.Limit, m.Used, m.LimitFile, tt.memory, tt.used, tt.memoryFile)
			}
			if s.Tasks.Limit != tt.tasks {
				t.Errorf("tasks: got %d, want %d", s.Tasks.Limit, tt.tasks)
			}
			if tt.quota > 0 && s.CPUs != tt.quota {
				t.Errorf("CPUs: got %v, want %v", s.CPUs, tt.quota)
			}
		})
	}
}

func TestRaiseNofile(t *testing.T) {
	before, err := limits.Read("/")
	if err != nil {
		t.Fatal(err)
	}
	hard := before.Files.Hard
	if got, err := limits.RaiseNofile(1); err != nil || got != hard {
		t.Errorf("to at least 1: got %d, %v; want the hard limit %d", got, err, hard)
	}
	if !before.Files.Raisable {
		got, err := limits.RaiseNofile(hard + 1)
		if err != nil || got != hard {
			t.Errorf("beyond the hard limit: got %d, %v; want %d and no error", got, err, hard)
		}
	}
}
