package doctor_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"tickgate/internal/doctor"
	"tickgate/internal/limits"
)

// machine is a file system, contents by path.
type machine map[string]string

// sound is a machine on which nothing is wrong for 100,000 connections at one message a second: two processors, 8 GB, one
// process is enough.
var sound = machine{
	"proc/42/limits":                                              "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 1048576              files\n",
	"proc/42/status":                                              "Name:\tgateway\nCpus_allowed_list:\t0-1\nCapBnd:\t000001ffffffffff\n",
	"proc/42/mountinfo":                                           "31 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
	"proc/42/cgroup":                                              "0::/app\n",
	"proc/loadavg":                                                "0.10 0.10 0.10 1/200 4711\n",
	"proc/meminfo":                                                "MemTotal:        8000000 kB\nMemFree:         1000000 kB\nMemAvailable:    6000000 kB\n",
	"proc/net/sockstat":                                           "sockets: used 15\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 54\n",
	"proc/pressure/cpu":                                           "some avg10=0.00 avg60=1.50 avg300=0.00 total=1\n",
	"proc/pressure/memory":                                        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
	"proc/pressure/io":                                            "some avg10=0.00 avg60=0.10 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
	"proc/swaps":                                                  "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
	"proc/sys/fs/nr_open":                                         "1048576\n",
	"proc/sys/fs/file-max":                                        "9223372036854775807\n",
	"proc/sys/fs/file-nr":                                         "600\t0\t9223372036854775807\n",
	"proc/sys/fs/epoll/max_user_watches":                          "1750000\n",
	"proc/sys/kernel/osrelease":                                   "6.12.0-test\n",
	"proc/sys/kernel/pid_max":                                     "32768\n",
	"proc/sys/kernel/threads-max":                                 "62000\n",
	"proc/sys/kernel/io_uring_disabled":                           "0\n",
	"proc/sys/net/core/somaxconn":                                 "65535\n",
	"proc/sys/net/core/wmem_max":                                  "4194304\n",
	"proc/sys/net/ipv4/tcp_max_syn_backlog":                       "2048\n",
	"proc/sys/net/ipv4/tcp_syncookies":                            "1\n",
	"proc/sys/net/ipv4/tcp_migrate_req":                           "0\n",
	"proc/sys/net/ipv4/tcp_mem":                                   "98304\t131072\t196608\n",
	"proc/sys/net/ipv4/tcp_rmem":                                  "4096\t131072\t6291456\n",
	"proc/sys/net/ipv4/tcp_wmem":                                  "4096\t16384\t4194304\n",
	"proc/sys/net/ipv4/tcp_available_ulp":                         "espintcp mptcp tls\n",
	"proc/sys/net/ipv4/ip_local_port_range":                       "10000\t65535\n",
	"proc/sys/net/netfilter/nf_conntrack_max":                     "524288\n",
	"proc/sys/net/netfilter/nf_conntrack_count":                   "1000\n",
	"sys/devices/system/cpu/online":                               "0-1\n",
	"sys/fs/cgroup/app/memory.max":                                "4000000000\n",
	"sys/fs/cgroup/app/memory.current":                            "100000000\n",
	"sys/fs/cgroup/app/pids.max":                                  "1024\n",
	"sys/fs/cgroup/app/pids.current":                              "20\n",
	"sys/fs/cgroup/app/cpu.max":                                   "max 100000\n",
	"sys/kernel/mm/transparent_hugepage/enabled":                  "always [madvise] never\n",
	"sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none": "511\n",
}

// with returns m with the files of more added or replaced; an empty content removes a file.
func (m machine) with(more machine) machine {
	all := maps.Clone(m)
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_, content string) bool { return content == "" })
	return all
}

// asked is the question that sound is made for.
var asked = doctor.Question{Demand: limits.Demand{Conns: 100_000, Rate: 1}, SndBuf: 64 << 10}

// examine writes m below a new directory and examines it.
func (m machine) examine(t *testing.T, q doctor.Question) *doctor.Report {
	t.Helper()
	root := t.TempDir()
	for path, content := range m {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("42", filepath.Join(root, "proc/self")); err != nil {
		t.Fatal(err)
	}
	snapshot, err := limits.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := doctor.ReadFacts(root, q.Port)
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Examine(snapshot, facts, q)
}
