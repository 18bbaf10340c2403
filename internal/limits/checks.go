package limits

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// memoryName is the only limit that can be 0 and still apply: nothing left.
const memoryName = "memory"

// spareBytes are left to everybody else on the machine.
const spareBytes = 256 << 20

// maxStorm is the accept queue that absorbs any storm: a loop empties it faster than one core can fill it.
const maxStorm = 65535

// The local ports that tuning/sysctl.conf gives to outgoing connections: nearly all, but above the gateway's own.
const (
	portLow  = 10000
	portHigh = 65535
)

// checks compares every limit with d.
func (s *Snapshot) checks(d Demand) []Check {
	all := []Check{
		s.nofile(d), s.nrOpen(d), s.memory(d), s.cpu(d), s.fileMax(d), s.watches(d), s.tasks(d), s.ports(d), s.conntrack(d),
		s.tcpMem(d), s.somaxconn(d), s.synBacklog(d),
	}
	return slices.DeleteFunc(all, func(c Check) bool { return !c.applies() })
}

// applies reports whether the kernel has such a limit and it concerns the demand.
func (c Check) applies() bool { return c.Now > 0 || c.Name == memoryName }

// ends returns how many sockets each connection has on this machine.
func (d Demand) ends() int64 {
	if d.Role == Both {
		return 2
	}
	return 1
}

// bytes returns what each connection costs on this machine, without its share of a process.
func (d Demand) bytes() int64 {
	switch d.Role {
	case Gateway:
		return KernelBytes + QueueBytes + GatewayBytes
	case Swarm:
		return KernelBytes + QueueBytes + SwarmBytes
	default:
		return 2*KernelBytes + QueueBytes + GatewayBytes + SwarmBytes
	}
}

// perProcess returns how many sockets the descriptors of one process are enough for.
func (s *Snapshot) perProcess() int64 { return max(1, s.Files.Hard-ReserveFiles) }

// holds returns how many connections room is enough for at each apiece.
func holds(room int64, each float64) int {
	n := float64(max(0, room)) / each
	if n >= math.MaxInt {
		return math.MaxInt
	}
	return int(n)
}

// needs returns what n connections take at each apiece.
func needs(n int, each float64) int64 { return int64(math.Ceil(float64(n) * each)) }

// files returns how many descriptors one process needs.
func (d Demand) files() int64 { return int64(divided(d.Conns, max(1, d.Processes))) + ReserveFiles }

func (s *Snapshot) nofile(d Demand) Check {
	c := Check{
		Name: "nofile", Kind: Process, Unit: "descriptors",
		Now: s.Files.Hard, Need: d.files(), Holds: holds(s.Files.Hard-ReserveFiles, 1),
		Why: fmt.Sprintf("each connection takes one descriptor of its process, %d are kept for everything else", ReserveFiles),
	}
	if !s.Files.Raisable {
		c.Why += "; without CAP_SYS_RESOURCE nobody in here may raise it"
		const command = "start the container with --ulimit nofile=%d:%[1]d or the service with LimitNOFILE=%[1]d"
		c.Change, c.Undo = fmt.Sprintf(command, c.Need), fmt.Sprintf(command, c.Now)
		return c
	}
	// A limit belongs to a process and passes to its children: the shell's is raised, then the program started anew.
	const command = "sudo prlimit --pid $$ --nofile=%d:%[1]d"
	c.Change, c.Undo = fmt.Sprintf(command, c.Need), fmt.Sprintf(command, c.Now)
	if n := s.nrOpen(d); !n.OK() {
		c.Change, c.Undo = n.Change+" && "+c.Change, c.Undo+" && "+n.Undo
	}
	return c
}

func (s *Snapshot) nrOpen(d Demand) Check {
	return Check{
		Name: "fs.nr_open", Kind: Process, Unit: "descriptors",
		Now: s.Files.NrOpen, Need: d.files(), Holds: holds(s.Files.NrOpen-ReserveFiles, 1),
		Why: "nofile of a process cannot be raised beyond it",
	}.sysctl()
}

func (s *Snapshot) memory(d Demand) Check {
	each := float64(d.bytes()) + float64(d.ends()*processBytes)/float64(s.perProcess())
	c := Check{
		Name: memoryName, Kind: Machine, Unit: UnitBytes,
		Now: s.Memory.Room(), Need: needs(d.Conns, each) + spareBytes, Holds: holds(s.Memory.Room()-spareBytes, each),
		Why: fmt.Sprintf("each connection takes %.0f bytes, most of it in the kernel", each),
	}
	if s.Memory.Limit-s.Memory.Used < s.Memory.Available {
		return c.file(s.Memory.LimitFile, s.Memory.Used+c.Need, s.Memory.Limit)
	}
	c.Change = "add memory, or stop what else runs on this machine"
	return c
}

// message returns what a message costs on this machine.
func (d Demand) message() time.Duration {
	switch d.Role {
	case Gateway:
		return GatewayMessage
	case Swarm:
		return SwarmMessage
	default:
		return GatewayMessage + SwarmMessage
	}
}

func (s *Snapshot) cpu(d Demand) Check {
	if d.Rate <= 0 {
		return Check{}
	}
	each := d.Rate * d.message().Seconds() * 1000 / usableCPU
	c := Check{
		Name: "cpu", Kind: Pace, Unit: UnitCPU,
		Now: int64(s.CPUs * 1000), Need: needs(d.Conns, each), Holds: holds(int64(s.CPUs*1000), each),
		Why: fmt.Sprintf("each of %g messages a second to a connection takes %v, a fifth of the time is kept for the rest", d.Rate, d.message()),
	}
	if q := s.Quota; q.File != "" {
		c = c.file(q.File, c.Need*q.Period/1000, q.Microseconds)
		if strings.HasSuffix(q.File, "cpu.max") { // the file holds both numbers
			c.Change = fmt.Sprintf(`echo "%d %d" | sudo tee %s`, c.Need*q.Period/1000, q.Period, q.File)
			c.Undo = fmt.Sprintf(`echo "%d %d" | sudo tee %s`, q.Microseconds, q.Period, q.File)
		}
		return c
	}
	c.Change = "add processors, send less often, or share the connections with another machine"
	return c
}

func (s *Snapshot) fileMax(d Demand) Check {
	each := float64(d.ends()) * (1 + ReserveFiles/float64(s.perProcess()))
	return Check{
		Name: "fs.file-max", Kind: Machine, Unit: "files",
		Now: s.Files.Max, Need: s.Files.Open + needs(d.Conns, each), Holds: holds(s.Files.Max-s.Files.Open, each),
		Why: fmt.Sprintf("all processes together may open that many, %d are open now; root is exempt", s.Files.Open),
	}.sysctl()
}

func (s *Snapshot) watches(d Demand) Check {
	return Check{
		Name: "fs.epoll.max_user_watches", Kind: Machine, Unit: "registrations",
		Now: s.Files.Watches, Need: int64(d.Conns) * d.ends(), Holds: holds(s.Files.Watches, float64(d.ends())),
		Why: "each socket in an event loop is one, counted over all processes of a user",
	}.sysctl()
}

func (s *Snapshot) tasks(d Demand) Check {
	if s.Tasks.LimitFile == "" {
		return Check{}
	}
	each := float64(d.ends()*processThreads) / float64(s.perProcess())
	room := s.Tasks.Limit - s.Tasks.Used - d.ends()*processThreads // the last process may hold a single connection
	c := Check{
		Name: "pids.max", Kind: Machine, Unit: "threads",
		Now: s.Tasks.Limit, Need: s.Tasks.Used + d.ends()*processThreads + needs(d.Conns, each), Holds: holds(room, each),
		Why: fmt.Sprintf("each process needs up to %d threads, %d exist now", processThreads, s.Tasks.Used),
	}
	if key, ok := strings.CutPrefix(s.Tasks.LimitFile, "/proc/sys/"); ok {
		c.Name = strings.ReplaceAll(key, "/", ".")
		return c.sysctl()
	}
	return c.file(s.Tasks.LimitFile, c.Need, c.Now)
}

func (s *Snapshot) ports(d Demand) Check {
	if d.Role == Gateway || d.Sources <= 0 {
		return Check{}
	}
	pairs := int64(d.Sources) * int64(max(1, d.Targets))
	c := Check{
		Name: "net.ipv4.ip_local_port_range", Kind: Machine, Unit: "ports",
		Now: s.TCP.Ports(), Need: (int64(d.Conns) + pairs - 1) / pairs, Holds: holds(s.TCP.Ports()*pairs, 1),
		Why: fmt.Sprintf("connections from one source address to one target need different ports; source addresses: %d, targets: %d",
			d.Sources, max(1, d.Targets)),
	}
	c.Change = sysctlCommand(c.Name, portLow, portHigh)
	c.Undo = sysctlCommand(c.Name, s.TCP.PortLow, s.TCP.PortHigh)
	if most := int64(portHigh - portLow + 1); c.Need > most {
		sources := (int64(d.Conns) + most*int64(max(1, d.Targets)) - 1) / (most * int64(max(1, d.Targets)))
		c.Change = fmt.Sprintf("%s, and connect from %d addresses (--source)", c.Change, sources)
	}
	return c
}

func (s *Snapshot) conntrack(d Demand) Check {
	if s.Conntrack.Count == 0 {
		return Check{} // loaded or not, it tracks nothing
	}
	return Check{
		Name: "net.netfilter.nf_conntrack_max", Kind: Machine, Unit: "entries", Now: s.Conntrack.Max,
		Need: s.Conntrack.Count + int64(d.Conns), Holds: holds(s.Conntrack.Max-s.Conntrack.Count, 1),
		Why: fmt.Sprintf("the firewall remembers each connection, %d now, and drops packets of further ones", s.Conntrack.Count),
	}.sysctl()
}

func (s *Snapshot) tcpMem(d Demand) Check {
	c := Check{
		Name: "net.ipv4.tcp_mem", Kind: Load, Unit: "pages", Now: s.TCP.Mem[1],
		Need: s.TCP.MemUsed + int64(d.Conns), Holds: holds(s.TCP.Mem[1]-s.TCP.MemUsed, 1),
		Why: "a message on its way takes a page for each connection; beyond the second number the kernel throttles TCP",
	}
	c.Change = sysctlCommand(c.Name, c.Need-c.Need/4, c.Need, c.Need+c.Need/2) // the kernel's own proportions
	c.Undo = sysctlCommand(c.Name, s.TCP.Mem[:]...)
	return c
}

func (s *Snapshot) somaxconn(d Demand) Check {
	return Check{
		Name: "net.core.somaxconn", Kind: Load, Unit: "connections", Now: s.TCP.Somaxconn,
		Need: min(int64(d.Conns), maxStorm), Holds: holds(s.TCP.Somaxconn, 1),
		Why: "so many may wait until a listener accepts them; the next one is delayed by a second or more",
	}.sysctl()
}

func (s *Snapshot) synBacklog(d Demand) Check {
	c := Check{
		Name: "net.ipv4.tcp_max_syn_backlog", Kind: Load, Unit: "handshakes", Now: s.TCP.SynBacklog,
		Need: min(int64(d.Conns), maxStorm), Holds: holds(s.TCP.SynBacklog, 1),
		Why: "without syncookies so many handshakes may be half done",
	}.sysctl()
	if s.TCP.Syncookies > 0 {
		c.Need, c.Holds, c.Change, c.Undo = 0, math.MaxInt, "", ""
		c.Why = "with syncookies on it bounds nothing; the listener's backlog does"
	}
	return c
}
