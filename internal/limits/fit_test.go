package limits_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"tickgate/internal/limits"
)

const (
	gib     = 1 << 20 // in kB, as in meminfo
	noRaise = "CapBnd:\t000001fffeffffff\n"

	errAgain = syscall.EAGAIN // of fork
)

// machine returns a tree with so much memory available and so many descriptors per process.
func machine(availableGiB, nofile int) tree {
	return plain.
		replace("proc/meminfo", "MemAvailable:    6000000", fmt.Sprint("MemAvailable: ", availableGiB*gib)).
		replace("proc/42/limits", "524288", fmt.Sprint(nofile))
}

func TestFit(t *testing.T) {
	tests := []struct {
		name             string
		tree             tree
		demand           limits.Demand
		conns            int
		workers, clients int
		machine, process string // the walls
	}{
		{
			name: "100k fit in one process", tree: machine(23, 1048576), demand: limits.Demand{Conns: 100_000},
			conns: 100_000, workers: 1, machine: "fs.epoll.max_user_watches", process: "nofile",
		},
		{
			name: "nofile 20,000 needs 6 workers", tree: machine(23, 20_000), demand: limits.Demand{Conns: 100_000},
			conns: 100_000, workers: 6, machine: "fs.epoll.max_user_watches", process: "nofile",
		},
		{
			name: "both programs on one machine", tree: machine(23, 20_000), demand: limits.Demand{Conns: 100_000, Role: limits.Both},
			conns: 100_000, workers: 6, clients: 6, machine: "fs.epoll.max_user_watches", process: "nofile",
		},
		{
			name: "a hash does not fill workers to the brim", tree: machine(23, 20_256), demand: limits.Demand{Conns: 119_500},
			conns: 119_500, workers: 7, machine: "fs.epoll.max_user_watches", process: "nofile",
		},
		{
			name: "a swarm divides evenly", tree: machine(23, 20_256), demand: limits.Demand{Conns: 119_500, Role: limits.Swarm},
			conns: 119_500, clients: 6, machine: "fs.epoll.max_user_watches", process: "nofile",
		},
		{
			name: "a million in 23 GiB", tree: machine(23, 1<<21).replace("proc/sys/fs/nr_open", "1048576", "2097152"),
			demand: limits.Demand{Conns: 1_000_000}, conns: 1_000_000, workers: 1, machine: "fs.epoll.max_user_watches", process: "nofile",
		},
		{
			name: "memory is short", tree: machine(1, 524288), demand: limits.Demand{Conns: 100_000},
			conns: 83_920, workers: 1, machine: "memory", process: "nofile",
		},
		{
			name: "no memory at all", tree: machine(0, 524288), demand: limits.Demand{Conns: 100_000},
			conns: 0, workers: 1, machine: "memory", process: "nofile",
		},
		{
			name: "few ports of one source address", tree: machine(23, 524288), demand: limits.Demand{Conns: 100_000, Role: limits.Swarm, Sources: 1},
			conns: 28_232, clients: 1, machine: "net.ipv4.ip_local_port_range", process: "nofile",
		},
		{
			name: "four source addresses", tree: machine(23, 524288), demand: limits.Demand{Conns: 100_000, Role: limits.Swarm, Sources: 4},
			conns: 100_000, clients: 1, machine: "net.ipv4.ip_local_port_range", process: "nofile",
		},
		{
			name: "a firewall that follows connections", tree: machine(23, 524288).with(tree{"proc/sys/net/netfilter/nf_conntrack_count": "2144\n"}),
			demand: limits.Demand{Conns: 300_000}, conns: 260_000, workers: 1, machine: "net.netfilter.nf_conntrack_max", process: "nofile",
		},
		{
			name: "few files of the machine", tree: machine(23, 524288).with(tree{"proc/sys/fs/file-max": "50600\n"}),
			demand: limits.Demand{Conns: 100_000, Role: limits.Both}, conns: 24_987, workers: 1, clients: 1, machine: "fs.file-max", process: "nofile",
		},
		{
			name: "no descriptors", tree: machine(23, 64), demand: limits.Demand{Conns: 10},
			conns: 10, workers: 1, machine: "memory", process: "nofile",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.tree.read(t).Fit(tt.demand)
			if f.Conns != tt.conns || f.Workers != tt.workers || f.Clients != tt.clients {
				t.Errorf("got %d conns, %d workers, %d clients; want %d, %d, %d", f.Conns, f.Workers, f.Clients, tt.conns, tt.workers, tt.clients)
			}
			if w := f.Wall(limits.Machine); w.Name != tt.machine {
				t.Errorf("machine's wall: got %s, want %s", w, tt.machine)
			}
			if w := f.Wall(limits.Process); w.Name != tt.process {
				t.Errorf("process's wall: got %s, want %s", w, tt.process)
			}
			if got, want := f.WhyFewer() != "", tt.conns < tt.demand.Conns; got != want {
				t.Errorf("WhyFewer: got %q", f.WhyFewer())
			}
			if got, want := f.WhyWorkers() != "", max(tt.workers, tt.clients) > 1; got != want {
				t.Errorf("WhyWorkers: got %q", f.WhyWorkers())
			}
		})
	}
}

// TestFitHolds asserts that what fits is neither one too many nor one too few.
func TestFitHolds(t *testing.T) {
	s := machine(1, 20_000).with(tree{"proc/sys/net/netfilter/nf_conntrack_count": "10000\n"}).read(t)
	for _, role := range []limits.Role{limits.Gateway, limits.Swarm, limits.Both} {
		for _, c := range s.Fit(limits.Demand{Conns: 1, Role: role, Sources: 2}).Checks {
			if c.Holds > 1<<40 {
				continue // bounds nothing
			}
			for more, want := range map[int]bool{-1: true, 2: false} {
				d := limits.Demand{Conns: c.Holds + more, Role: role, Sources: 2}
				for _, again := range s.Fit(d).Checks {
					if again.Name == c.Name && again.OK() != want {
						t.Errorf("role %d, %d connections: got %s", role, d.Conns, again)
					}
				}
			}
		}
	}
}

func TestCommands(t *testing.T) {
	docker := machine(23, 20_000).replace("proc/42/status", "CapBnd:\t000001ffffffffff\n", noRaise)
	limited := machine(23, 524288).with(tree{
		"proc/42/mountinfo":                    "31 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/memory.max":             "536870912\n",
		"sys/fs/cgroup/memory.current":         "36870912\n",
		"sys/fs/cgroup/pids.max":               "40\n",
		"sys/fs/cgroup/pids.current":           "4\n",
		"proc/sys/net/ipv4/tcp_syncookies":     "0\n",
		"proc/sys/net/netfilter/unrelated_key": "1\n",
	})
	conntrack := machine(23, 524288).with(tree{"proc/sys/net/netfilter/nf_conntrack_count": "7\n"})
	tests := []struct {
		tree         tree
		name         string
		change, undo string
	}{
		{plain, "nofile", "sudo sysctl -w fs.nr_open=2000256 && sudo prlimit --pid $$ --nofile=2000256:2000256", "sudo prlimit --pid $$ --nofile=524288:524288 && sudo sysctl -w fs.nr_open=1048576"},
		{docker, "nofile", "start the container with --ulimit nofile=2000256:2000256 or the service with LimitNOFILE=2000256", "start the container with --ulimit nofile=20000:20000 or the service with LimitNOFILE=20000"},
		{plain, "fs.nr_open", "sudo sysctl -w fs.nr_open=2000256", "sudo sysctl -w fs.nr_open=1048576"},
		{plain, "fs.epoll.max_user_watches", "sudo sysctl -w fs.epoll.max_user_watches=4000000", "sudo sysctl -w fs.epoll.max_user_watches=1750000"},
		{plain, "net.core.somaxconn", "sudo sysctl -w net.core.somaxconn=65535", "sudo sysctl -w net.core.somaxconn=4096"},
		{plain, "net.ipv4.tcp_mem", `sudo sysctl -w net.ipv4.tcp_mem="1500041 2000054 3000081"`, `sudo sysctl -w net.ipv4.tcp_mem="90000 120000 180000"`},
		{plain, "net.ipv4.ip_local_port_range", `sudo sysctl -w net.ipv4.ip_local_port_range="10000 65535", and connect from 37 addresses (--source)`, `sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"`},
		{plain, "memory", "add memory, or stop what else runs on this machine", ""},
		{conntrack, "net.netfilter.nf_conntrack_max", "sudo sysctl -w net.netfilter.nf_conntrack_max=2000007", "sudo sysctl -w net.netfilter.nf_conntrack_max=262144"},
		{limited, "net.ipv4.tcp_max_syn_backlog", "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=65535", "sudo sysctl -w net.ipv4.tcp_max_syn_backlog=2048"},
		{limited, "pids.max", "echo 236 | sudo tee /sys/fs/cgroup/pids.max", "echo 40 | sudo tee /sys/fs/cgroup/pids.max"},
		{limited, "memory", "echo 30497462695 | sudo tee /sys/fs/cgroup/memory.max", "echo 536870912 | sudo tee /sys/fs/cgroup/memory.max"},
	}
	for _, tt := range tests {
		f := tt.tree.read(t).Fit(limits.Demand{Conns: 2_000_000, Role: limits.Both, Sources: 1})
		found := false
		for _, c := range f.Checks {
			if c.Name != tt.name {
				continue
			}
			found = true
			if c.OK() || c.Change != tt.change || c.Undo != tt.undo {
				t.Errorf("%s:\ngot  %s\n     %s\nwant %s\n     %s", c.Name, c.Change, c.Undo, tt.change, tt.undo)
			}
		}
		if !found {
			t.Errorf("got no check %s", tt.name)
		}
	}
}

func TestSyncookiesMakeSynBacklogMeaningless(t *testing.T) {
	for _, c := range plain.read(t).Fit(limits.Demand{Conns: 1_000_000}).Checks {
		if c.Name == "net.ipv4.tcp_max_syn_backlog" && !c.OK() {
			t.Errorf("got %s, want it to pass", c)
		}
	}
}

func TestLines(t *testing.T) {
	f := machine(1, 20_000).read(t).Fit(limits.Demand{Conns: 100_000})
	tests := []struct{ name, got, want string }{
		{
			"WhyWorkers", f.WhyWorkers(),
			"nofile is 20000 descriptors: one process holds 19744 of 69182 connections, so 4 processes share them; " +
				"for a single one: sudo prlimit --pid $$ --nofile=100256:100256",
		},
		{
			"WhyFewer", f.WhyFewer(),
			"69182 of 100000 connections fit: memory is 1.0 GiB, needs 1.3 GiB (each connection takes 11640 bytes, most of it " +
				"in the kernel); to raise it: add memory, or stop what else runs on this machine",
		},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, tt.got, tt.want)
		}
	}
}

// TestExplainShared: of connections that were dealt to several processes, each needs descriptors for its share.
func TestExplainShared(t *testing.T) {
	got := machine(4<<30, 1500).read(t).Explain(syscall.EMFILE, limits.Demand{Conns: 3000, Processes: 2})
	if want := "nofile is 1500 descriptors, needs 1756 descriptors"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExplain(t *testing.T) {
	busy := plain.with(tree{"proc/net/sockstat": "sockets: used 15\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 170000\n"})
	tests := []struct {
		name string
		tree tree
		err  error
		want string // at the beginning; empty: no line at all
	}{
		{"files of the process", plain, fmt.Errorf("accept: %w", syscall.EMFILE), "nofile is 524288 descriptors, needs 1048320 descriptors"},
		{"files of either", plain.with(tree{"proc/sys/fs/file-max": "600\n"}), syscall.EMFILE, "fs.file-max is 600 files, needs"},
		{"files of the machine", plain.with(tree{"proc/sys/fs/file-max": "20000\n"}), syscall.ENFILE, "fs.file-max is 20000 files, needs"},
		{"ports", plain, syscall.EADDRNOTAVAIL, "net.ipv4.ip_local_port_range is 28232 ports, needs 56464 ports"},
		{"watches", plain, syscall.ENOSPC, "fs.epoll.max_user_watches is 1750000 registrations, needs 3500000"},
		{"socket memory", busy, syscall.ENOBUFS, "net.ipv4.tcp_mem is 120000 pages, needs"},
		{"memory", machine(0, 524288), syscall.ENOMEM, "memory is 0 B, needs"},
		{"memory that is there", plain, syscall.ENOMEM, ""},
		{"threads without a limit", plain, syscall.EAGAIN, ""},
		{"another error", plain, syscall.ECONNRESET, ""},
		{"no system call", plain, fmt.Errorf("bad frame"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.tree.read(t).Explain(tt.err, limits.Demand{Conns: 1000})
			if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got != "" && !strings.Contains(got, "; to raise it: ") {
				t.Errorf("got %q, want it to say what to do", got)
			}
			if undo := "; to undo that: "; got != "" && !strings.HasPrefix(got, "memory") && !strings.Contains(got, undo) {
				t.Errorf("got %q, want it to say how to take that back", got)
			}
		})
	}
}
