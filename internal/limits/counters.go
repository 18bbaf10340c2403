package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/procfs"
)

// Counters are what the kernel counts where a limit strikes and no system call of the program fails. They belong to this
// network namespace and only grow; 0 where the kernel has none.
type Counters struct {
	ListenOverflows uint64 // handshakes put off because an accept queue was full; the client tries again after 1 s
	SynDrops        uint64 // requests dropped because the queue of half-open handshakes was full and syncookies are off
	MemoryPressures uint64 // times TCP's queues went over the second number of tcp_mem
	MemoryAborts    uint64 // connections reset because they went over the third
	ConntrackDrops  uint64 // packets dropped because the firewall's table was full
	OOMKills        uint64 // processes killed in the cgroup that bounds this one's memory
}

// ReadCounters reads them below root, as Read does.
func ReadCounters(root string) (Counters, error) {
	proc, err := procfs.NewFS(filepath.Join(root, "proc"))
	if err != nil {
		return Counters{}, fmt.Errorf("read counters: %w", err)
	}
	self, err := proc.Self()
	if err != nil {
		return Counters{}, fmt.Errorf("read counters: %w", err)
	}
	r := &reader{root: root, proc: proc, self: self}
	stat := r.netstat()
	c := Counters{
		ListenOverflows: stat["ListenOverflows"], SynDrops: stat["TCPReqQFullDrop"],
		MemoryPressures: stat["TCPMemoryPressures"], MemoryAborts: stat["TCPAbortOnMemory"],
		OOMKills: r.oomKills(),
	}
	table, err := proc.ConntrackStat()
	r.keep(err)
	for _, cpu := range table {
		c.ConntrackDrops += cpu.Drop + cpu.EarlyDrop
	}
	return c, r.err
}

// netstat reads the TcpExt counters: a line of names and a line of values. (procfs leaves out those of memory.)
func (r *reader) netstat() map[string]uint64 {
	text, err := os.ReadFile(r.path("proc/self/net/netstat"))
	r.keep(err)
	counters := map[string]uint64{}
	var names []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] != "TcpExt:":
		case names == nil:
			names = fields
		default:
			for i, name := range names[:min(len(names), len(fields))] {
				if i > 0 {
					counters[name] = uint64(r.number(fields[i]))
				}
			}
		}
	}
	return counters
}

// oomKills reads «oom_kill N», which version 1 keeps in memory.oom_control and version 2 in memory.events.
func (r *reader) oomKills() uint64 {
	_, _, file := r.tightest("memory")
	if file == "" {
		return 0
	}
	dir := filepath.Dir(r.path(file))
	for _, name := range []string{"memory.events", "memory.oom_control"} {
		fields := r.fields(dir, name)
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] == "oom_kill" {
				return uint64(r.number(fields[i+1]))
			}
		}
	}
	return 0
}

// struck is a limit whose counter has grown.
type struck struct {
	times uint64
	what  string // of which there were so many
	check func(Demand) Check
}

// grown compares two readings. What happened to listeners of this machine concerns clients of another one in no way.
func (s *Snapshot) grown(before, now Counters, role Role) []struck {
	var all []struck
	if role != Swarm {
		all = []struck{
			{now.ListenOverflows - before.ListenOverflows, "handshakes were put off, because an accept queue of some program in this network namespace was full (ss -ltn shows whose)", s.somaxconn},
			{now.SynDrops - before.SynDrops, "connection requests were dropped", s.synBacklog},
		}
	}
	all = append(all, []struck{
		{now.MemoryPressures - before.MemoryPressures, "times TCP came under memory pressure", s.tcpMem},
		{now.MemoryAborts - before.MemoryAborts, "connections were reset for want of TCP memory", s.tcpMem},
		{now.ConntrackDrops - before.ConntrackDrops, "packets were dropped by the firewall's full table", s.conntrack},
		{now.OOMKills - before.OOMKills, "processes of this cgroup were killed for want of memory", s.memory},
	}...)
	var found []struck
	for _, one := range all {
		if one.times > 0 {
			found = append(found, one)
		}
	}
	return found
}
