package doctor_test

import (
	"strings"
	"testing"

	"tickgate/internal/doctor"
	"tickgate/internal/limits"
)

// nofile is /proc/self/limits with a hard limit.
func nofile(n string) machine {
	return machine{"proc/42/limits": "Max open files            1024                 " + n + "              files\n"}
}

func TestSoundMachine(t *testing.T) {
	r := sound.examine(t, asked)
	for _, f := range r.Findings {
		if f.State != doctor.OK {
			t.Errorf("got %s %s (%s, needs %s), want ok", f.State, f.Name, f.Now.Text, f.Need.Text)
		}
	}
	if !r.Fits || r.Fit.Workers != 1 {
		t.Errorf("got fits %v with %d workers, want it to fit with 1", r.Fits, r.Fit.Workers)
	}
}

// broken is a machine with one condition broken, and what the doctor has to say about it.
type broken struct {
	name     string
	change   machine
	question doctor.Question
	finding  string
	state    doctor.State
	conns    int    // at which the finding stops; 0: none
	first    string // the first wall, if it is not the finding itself
	workers  int    // 0: it does not fit
	command  string // that changes it
	undo     string
}

func question(conns int, role limits.Role, rate float64) doctor.Question {
	return doctor.Question{Demand: limits.Demand{Conns: conns, Role: role, Rate: rate}, SndBuf: 64 << 10}
}

func fromOne(conns, targets int) doctor.Question {
	q := question(conns, limits.Swarm, 1)
	q.Sources, q.Targets = 1, targets
	return q
}

func sndbuf(n int64) doctor.Question {
	q := asked
	q.SndBuf = n
	return q
}

// conditions has an entry for each condition the doctor knows.
var conditions = []broken{
	{
		name: "nofile of a process", change: nofile("20000"), question: asked, finding: "nofile", state: doctor.Split, conns: 19_744, workers: 6,
		command: "sudo prlimit --pid $$ --nofile=100256:100256", undo: "sudo prlimit --pid $$ --nofile=20000:20000",
	},
	{
		name: "fs.nr_open", change: machine{"proc/sys/fs/nr_open": "65536\n"}, question: asked, finding: "fs.nr_open", state: doctor.Split, conns: 65_280, workers: 2,
		command: "sudo sysctl -w fs.nr_open=100256", undo: "sudo sysctl -w fs.nr_open=65536",
	},
	{
		name: "fs.file-max", change: machine{"proc/sys/fs/file-max": "50600\n"}, question: asked, finding: "fs.file-max", state: doctor.Stop, conns: 49_987,
		command: "sudo sysctl -w fs.file-max=100625", undo: "sudo sysctl -w fs.file-max=50600",
	},
	{
		name: "epoll watches", change: machine{"proc/sys/fs/epoll/max_user_watches": "64000\n"}, question: asked, finding: "fs.epoll.max_user_watches", state: doctor.Stop, conns: 64_000,
		command: "sudo sysctl -w fs.epoll.max_user_watches=100000", undo: "sudo sysctl -w fs.epoll.max_user_watches=64000",
	},
	{
		name: "epoll watches, both ends", change: machine{"proc/sys/fs/epoll/max_user_watches": "64000\n"}, question: question(100_000, limits.Both, 1), finding: "fs.epoll.max_user_watches", state: doctor.Stop, conns: 32_000,
		command: "sudo sysctl -w fs.epoll.max_user_watches=200000",
	},
	{
		name: "memory of the machine", change: machine{"proc/meminfo": "MemTotal: 900000 kB\nMemAvailable: 700000 kB\n"}, question: asked, finding: "memory", state: doctor.Stop, conns: 46_919,
		command: "add memory, or stop what else runs on this machine",
	},
	{
		name: "memory of the cgroup", change: machine{"sys/fs/cgroup/app/memory.max": "600000000\n"}, question: asked, finding: "memory", state: doctor.Stop, conns: 24_232,
		command: "sudo tee /sys/fs/cgroup/app/memory.max", undo: "echo 600000000 | sudo tee /sys/fs/cgroup/app/memory.max",
	},
	{
		name: "processors", change: machine{"sys/devices/system/cpu/online": "0\n"}, question: question(100_000, limits.Both, 1), finding: "cpu", state: doctor.Late, conns: 97_560,
		command: "add processors",
	},
	{
		name: "quota of the cgroup", change: machine{"sys/fs/cgroup/app/cpu.max": "50000 100000\n"}, question: asked, finding: "cpu", state: doctor.Late, conns: 76_923,
		command: `echo "65000 100000" | sudo tee /sys/fs/cgroup/app/cpu.max`, undo: `echo "50000 100000" | sudo tee /sys/fs/cgroup/app/cpu.max`,
	},
	{name: "rate", question: question(100_000, limits.Gateway, 5), finding: "cpu", state: doctor.Late, conns: 61_538, command: "add processors"},
	{
		name: "threads of the cgroup", change: machine{"sys/fs/cgroup/app/pids.max": "40\n"}, question: asked, finding: "pids.max", state: doctor.Stop, conns: 0, first: "pids.max",
		command: "sudo tee /sys/fs/cgroup/app/pids.max", undo: "echo 40 | sudo tee /sys/fs/cgroup/app/pids.max",
	},
	{
		name: "threads of the machine", change: machine{"proc/sys/kernel/threads-max": "210\n"}, question: asked, finding: "kernel.threads-max", state: doctor.Stop, first: "kernel.threads-max",
		command: "sudo sysctl -w kernel.threads-max=", undo: "sudo sysctl -w kernel.threads-max=210",
	},
	{
		name: "ids of threads", change: machine{"proc/sys/kernel/pid_max": "210\n"}, question: asked, finding: "kernel.pid_max", state: doctor.Stop, first: "kernel.pid_max",
		command: "sudo sysctl -w kernel.pid_max=", undo: "sudo sysctl -w kernel.pid_max=210",
	},
	{
		name: "ports of one source", change: machine{"proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n"}, question: fromOne(50_000, 1), finding: "net.ipv4.ip_local_port_range", state: doctor.Stop, conns: 28_232,
		command: `sudo sysctl -w net.ipv4.ip_local_port_range="10000 65535"`, undo: `sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"`,
	},
	{
		name: "ports to three targets", change: machine{"proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n"}, question: fromOne(90_000, 3), finding: "net.ipv4.ip_local_port_range", state: doctor.Stop, conns: 84_696,
		command: `sudo sysctl -w net.ipv4.ip_local_port_range="10000 65535"`,
	},
	{
		name: "more than the ports of one source", question: fromOne(100_000, 1), finding: "net.ipv4.ip_local_port_range", state: doctor.Stop, conns: 55_536,
		command: "and connect from 2 addresses (--source)",
	},
	{
		name: "the firewall's table", change: machine{"proc/sys/net/netfilter/nf_conntrack_max": "65536\n"}, question: asked, finding: "net.netfilter.nf_conntrack_max", state: doctor.Stop, conns: 64_536,
		command: "sudo sysctl -w net.netfilter.nf_conntrack_max=101000", undo: "sudo sysctl -w net.netfilter.nf_conntrack_max=65536",
	},
	{
		name: "memory of TCP", change: machine{"proc/sys/net/ipv4/tcp_mem": "45000\t60000\t90000\n"}, question: asked, finding: "net.ipv4.tcp_mem", state: doctor.Slow, conns: 59_946, workers: 1, first: "cpu",
		command: `sudo sysctl -w net.ipv4.tcp_mem="75041 100054 150081"`, undo: `sudo sysctl -w net.ipv4.tcp_mem="45000 60000 90000"`,
	},
	{
		name: "receive buffers promised", change: machine{"proc/sys/net/ipv4/tcp_rmem": "65536\t131072\t6291456\n"}, question: asked, finding: "net.ipv4.tcp_rmem", state: doctor.Slow, conns: 12_288, workers: 1, first: "cpu",
		command: `sudo sysctl -w net.ipv4.tcp_rmem="4096 131072 6291456"`, undo: `sudo sysctl -w net.ipv4.tcp_rmem="65536 131072 6291456"`,
	},
	{
		name: "send buffers without a bound", question: sndbuf(0), finding: "net.ipv4.tcp_wmem", state: doctor.Slow, conns: 12_800, workers: 1, first: "cpu",
		command: "gateway --sndbuf 64KiB", undo: "gateway --sndbuf 0",
	},
	{
		name: "send buffers with a large bound", question: sndbuf(1 << 20), finding: "net.ipv4.tcp_wmem", state: doctor.Slow, conns: 25_600, workers: 1, first: "cpu",
		command: "gateway --sndbuf 64KiB", undo: "gateway --sndbuf 1048576",
	},
	{
		name: "send buffers cut by the kernel", change: machine{"proc/sys/net/core/wmem_max": "212992\n"}, question: sndbuf(1 << 20), finding: "net.ipv4.tcp_wmem", state: doctor.OK, conns: 126_030, workers: 1, first: "cpu",
	},
	{
		name: "accept queue", change: machine{"proc/sys/net/core/somaxconn": "128\n"}, question: asked, finding: "net.core.somaxconn", state: doctor.Slow, conns: 128, workers: 1, first: "cpu",
		command: "sudo sysctl -w net.core.somaxconn=65535", undo: "sudo sysctl -w net.core.somaxconn=128",
	},
	{
		name: "half-open handshakes", change: machine{"proc/sys/net/ipv4/tcp_syncookies": "0\n"}, question: asked, finding: "net.ipv4.tcp_max_syn_backlog", state: doctor.Slow, conns: 2048, workers: 1, first: "cpu",
		command: "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=65535", undo: "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=2048",
	},
	{
		name: "pressure on memory", change: machine{"proc/pressure/memory": "some avg10=0.00 avg60=4.20 avg300=0.00 total=1\n"}, question: asked, finding: "memory pressure", state: doctor.Slow, workers: 1, first: "cpu",
		command: "find who takes it",
	},
	{
		name: "pressure on processors", change: machine{"proc/pressure/cpu": "some avg10=0.00 avg60=45.00 avg300=0.00 total=1\n"}, question: asked, finding: "CPU pressure", state: doctor.Note, workers: 1, first: "cpu",
		command: "find who takes them",
	},
	{
		name: "pressure on disks", change: machine{"proc/pressure/io": "some avg10=0.00 avg60=45.00 avg300=0.00 total=1\n"}, question: asked, finding: "I/O pressure", state: doctor.Note, workers: 1, first: "cpu",
		command: "find who writes",
	},
	{
		name: "swap in use", change: machine{"proc/swaps": "Filename Type Size Used Priority\n/dev/vdb partition 1048576 524288 -2\n"}, question: asked, finding: "swap", state: doctor.Note, workers: 1, first: "cpu",
		command: "sudo swapoff -a", undo: "sudo swapon -a",
	},
	{
		name: "huge pages always", change: machine{"sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n"}, question: asked, finding: "transparent huge pages", state: doctor.Note, workers: 1, first: "cpu",
		command: "echo 0 | sudo tee /sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none", undo: "echo 511 | sudo tee /sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none",
	},
	{
		name: "queues that die with a worker", change: nofile("20000"), question: asked, finding: "net.ipv4.tcp_migrate_req", state: doctor.Note, workers: 6, first: "nofile",
		command: "sudo sysctl -w net.ipv4.tcp_migrate_req=1", undo: "sudo sysctl -w net.ipv4.tcp_migrate_req=0",
	},
	{
		name: "io_uring off", change: machine{"proc/sys/kernel/io_uring_disabled": "2\n"}, question: asked, finding: "io_uring", state: doctor.Absent, workers: 1, first: "cpu",
		command: "sudo sysctl -w kernel.io_uring_disabled=0", undo: "sudo sysctl -w kernel.io_uring_disabled=2",
	},
	{name: "io_uring not there", change: machine{"proc/sys/kernel/io_uring_disabled": ""}, question: asked, finding: "io_uring", state: doctor.Absent, workers: 1, first: "cpu"},
	{
		name: "no TLS in the kernel", change: machine{"proc/sys/net/ipv4/tcp_available_ulp": "mptcp\n"}, question: asked, finding: "kernel TLS", state: doctor.Absent, workers: 1, first: "cpu",
		command: "sudo modprobe tls", undo: "sudo modprobe -r tls",
	},
}

// TestConditions breaks one condition after the other: the doctor has to find it, say how many connections it is enough
// for, name it as the first wall if it is one, and know the way out and back.
func TestConditions(t *testing.T) {
	for _, tt := range conditions {
		t.Run(tt.name, func(t *testing.T) {
			r := sound.with(tt.change).examine(t, tt.question)
			f, found := r.Finding(tt.finding)
			if !found {
				t.Fatalf("got no finding %s", tt.finding)
			}
			if f.State != tt.state || tt.conns > 0 && f.Holds != tt.conns {
				t.Errorf("got %s %s, enough for %d; want %s, %d", f.State, f.Name, f.Holds, tt.state, tt.conns)
			}
			if !strings.Contains(f.Change, tt.command) || (tt.command == "") != (f.Change == "") {
				t.Errorf("change: got %q, want %q in it", f.Change, tt.command)
			}
			if !strings.Contains(f.Undo, tt.undo) {
				t.Errorf("undo: got %q, want %q", f.Undo, tt.undo)
			}
			first := tt.first
			if first == "" {
				first = tt.finding
			}
			if r.First.Name != first {
				t.Errorf("first wall: got %s at %d, want %s", r.First.Name, r.First.Holds, first)
			}
			if got, want := r.Fits, tt.workers > 0; got != want || want && tt.question.Role == limits.Gateway && r.Fit.Workers != tt.workers {
				t.Errorf("got fits %v with %d workers, want %v with %d", got, r.Fit.Workers, want, tt.workers)
			}
			for _, other := range r.Findings {
				if other.Name != tt.finding && other.State < doctor.OK && other.Name != "nofile" && other.Name != "net.ipv4.tcp_migrate_req" {
					t.Errorf("got %s %s as well, which is not broken", other.State, other.Name)
				}
			}
		})
	}
}

// TestEveryFindingIsComplete asserts that of each thing that can be wrong the doctor knows all that it promises.
func TestEveryFindingIsComplete(t *testing.T) {
	known := map[string]bool{}
	for _, tt := range conditions {
		for _, f := range sound.with(tt.change).examine(t, tt.question).Findings {
			known[f.Name] = true
			for label, text := range map[string]string{"now": f.Now.Text, "need": f.Need.Text, "why": f.Why, "breaks": f.Breaks, "myth": f.Myth} {
				if text == "" {
					t.Errorf("%s: got no %s", f.Name, label)
				}
			}
			if f.State < doctor.OK && f.Change == "" {
				t.Errorf("%s: got no change", f.Name)
			}
			if f.State == doctor.OK && (f.Change != "" || f.Undo != "") {
				t.Errorf("%s is ok: got change %q, undo %q, want none", f.Name, f.Change, f.Undo)
			}
		}
	}
	if len(known) < 23 {
		t.Errorf("got %d kinds of findings, want 23 at least: %v", len(known), known)
	}
}

// TestMissingKernelParts takes away what old kernels and containers lack: nothing is said about it, and nothing fails.
func TestMissingKernelParts(t *testing.T) {
	bare := machine{}
	for _, path := range []string{"proc/42/limits", "proc/42/status", "proc/42/mountinfo", "proc/42/cgroup", "proc/meminfo"} {
		bare[path] = sound[path]
	}
	r := bare.examine(t, asked)
	for _, f := range r.Findings {
		switch f.Name {
		case "nofile", "memory", "cpu", "swap", "io_uring", "kernel TLS":
		default:
			t.Errorf("got %s %s (%s), want nothing about what is not there", f.State, f.Name, f.Now.Text)
		}
	}
	if _, err := doctor.ReadFacts(t.TempDir(), 0); err == nil {
		t.Error("without proc: got no error, want one")
	}
}

func TestParseRole(t *testing.T) {
	for name, want := range map[string]limits.Role{"gateway": limits.Gateway, "swarm": limits.Swarm, "both": limits.Both} {
		if got, ok := doctor.ParseRole(name); !ok || got != want {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
	if _, ok := doctor.ParseRole("me"); ok {
		t.Error("got a role that nobody has")
	}
}
