// Package limits reads what this machine grants a process that holds very many connections, compares it with what N
// connections need, and says which limit is the first in the way and which command moves it.
//
// It reads rlimits, sysctls, cgroups (v1, v2 and both mixed) and memory below a root directory, so that tests can hand
// it a tree of files. Apart from RaiseNofile it changes nothing. What to do with the answer (start workers, take
// fewer connections, print the line) is left to the caller.
package limits

import "math"

// Unlimited stands for a limit that is not set.
const Unlimited = math.MaxInt64

// Snapshot is what the machine grants, read at one moment. A sysctl that the kernel lacks reads as 0.
type Snapshot struct {
	CPUs      float64 // processors this process may use at the same time: affinity and cgroup quota
	Quota     Quota   // of the cgroup with the least, where that is less than the processors
	Files     Files
	Memory    Memory
	TCP       TCP
	Conntrack Conntrack
	Tasks     Tasks
}

// Files are the limits on descriptors.
type Files struct {
	Soft, Hard int64 // RLIMIT_NOFILE of this process: what it has and what it can give itself
	Raisable   bool  // some process in this container may raise a hard limit (CAP_SYS_RESOURCE in the bounding set)
	NrOpen     int64 // fs.nr_open: the highest possible hard limit of any process
	Max        int64 // fs.file-max: all open files of the machine
	Open       int64 // fs.file-nr: open now
	Watches    int64 // fs.epoll.max_user_watches: registrations of all epoll instances of one user
}

// Memory is in bytes.
type Memory struct {
	Total, Available int64  // of the machine; Available as the kernel estimates it without swapping
	Limit, Used      int64  // of the cgroup with the least room, Used without cheap page cache; Limit may be Unlimited
	LimitFile        string // where that limit is set; empty if there is none
}

// TCP are the sysctls of net.core and net.ipv4, of this network namespace where the kernel has one per namespace.
type TCP struct {
	Somaxconn  int64    // net.core.somaxconn: bounds the accept queue of one listener
	SynBacklog int64    // net.ipv4.tcp_max_syn_backlog: counts only without syncookies
	Syncookies int64    // net.ipv4.tcp_syncookies
	Mem        [3]int64 // net.ipv4.tcp_mem in pages: low, pressure, high
	MemUsed    int64    // pages in socket queues now
	Rmem, Wmem [3]int64 // net.ipv4.tcp_rmem and tcp_wmem in bytes per socket: least, initial, most
	PortLow    int64    // net.ipv4.ip_local_port_range, both ends belong to it
	PortHigh   int64
}

// Conntrack is the connection tracking of netfilter. Max is 0 where it is not loaded; a Count of 0 means that it is
// loaded but tracks nothing.
type Conntrack struct{ Max, Count int64 }

// Quota is the bandwidth of a cgroup: Microseconds of processor time in each Period. File is empty if there is none.
type Quota struct {
	Microseconds, Period int64
	File                 string
}

// Tasks are threads and processes: of the cgroup, or of the machine (kernel.threads-max, kernel.pid_max), whichever has
// the least room. Limit may be Unlimited.
type Tasks struct {
	Limit, Used int64
	LimitFile   string
}

// Ports returns how many connections one source address can have to one address and port.
func (t *TCP) Ports() int64 {
	if t.PortHigh == 0 {
		return 0
	}
	return t.PortHigh - t.PortLow + 1
}

// Room returns how many bytes may still be taken, by machine and cgroup.
func (m *Memory) Room() int64 {
	return max(0, min(m.Available, m.Limit-m.Used))
}
