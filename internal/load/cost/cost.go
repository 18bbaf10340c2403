package cost

// Cost is what the samples of a run say. It is a part of the swarm's JSON report.
type Cost struct {
	// Ends is how many ends of each connection this machine's kernel holds: 2 if server and swarm are both here. Lines of the kernel are for all of
	// them; an end costs BytesPerConn / Ends, since both ends are made of the same objects.
	Ends int `json:"ends"`
	// Processes are the server's, as sampled before the first connection and at the end of holding.
	Processes []Process `json:"processes,omitempty"`
	// Swarm is how many processes the clients were in, the one that conducts them included.
	Swarm int `json:"swarm_processes"`
	// Lines are totals first, then their parts, the dearest first.
	Lines   []Line   `json:"lines"`
	Samples []Sample `json:"samples"` // in the order in which they were taken
}

// Process is one of the server's processes.
type Process struct {
	PID int `json:"pid"`
	// Top says that it is no other's child: the only process, or the supervisor of the others.
	Top    bool  `json:"top"`
	Before int64 `json:"before_bytes"` // PSS, or RSS where PSS may not be read
	After  int64 `json:"after_bytes"`
	Own    int64 `json:"own_bytes"` // of After, what no other process shares; 0 where that may not be read
}

// Sample is what was held when so many were connected.
type Sample struct {
	At    float64 `json:"t_s"` // since the start of the ramp; the first sample is taken before
	Conns int     `json:"conns"`
	// Sockets is how many TCP sockets had memory, whoever they belong to. Lines of the kernel are fitted over them: what they are made of is the
	// same for all programs, and others' connections then cannot pass for ours.
	Sockets int `json:"sockets,omitempty"`
	// Bytes has a value for each Line that was read this time, by the line's name: dear ones are read less often.
	Bytes map[string]int64 `json:"bytes"`
}

// Side says who holds the memory of a line.
type Side string

// The sides.
const (
	User   Side = "user"   // the server's processes
	Kernel Side = "kernel" // the kernel, for all ends on this machine
	Swarm  Side = "swarm"  // the clients' processes
)

// Names of lines. Each cache of the kernel is a line besides, named SlabPrefix and its name in /proc/slabinfo.
const (
	PSS     = "pss"           // of the server's processes; shared pages are divided among those who share them
	RSS     = "rss"           // of the server's processes; shared pages count for each
	Live    = "heap live"     // bytes that the last collection of garbage has marked
	InUse   = "heap in use"   // spans with at least one object, garbage included
	Stacks  = "stacks"        // of goroutines
	Runtime = "runtime other" // of the Go runtime: spans' descriptions, collector, profiles
	Objects = "objects"       // kernel objects that stay as long as the connections do (sample.Caches.Objects)
	Slab    = "slab"          // all kernel objects of the machine, files that some program has looked at included
	Queues  = "queues"        // TCP's socket buffers, in pages (/proc/net/sockstat)
	Cgroup  = "cgroup kernel" // kernel memory charged to the swarm's cgroup
	Clients = "clients rss"   // of the swarm's processes

	SlabPrefix = "slab: "
	OtherSlab  = SlabPrefix + "other"
)

// Line is a straight line through the samples: Fixed + BytesPerConn x connections.
type Line struct {
	Name string `json:"name"`
	Side Side   `json:"side"`
	// BytesPerConn is the slope. Low and High enclose it with 95 % confidence. All are 0 if the line is not Known.
	BytesPerConn float64 `json:"bytes_per_conn"`
	Low          float64 `json:"low"`
	High         float64 `json:"high"`
	Fixed        float64 `json:"fixed_bytes"` // where the line meets no connections
	Points       int     `json:"points"`
	Known        bool    `json:"known"`
	// Reclaimable says of a cache of the kernel that what is in it is given up when memory is short, and that it is therefore not counted in Objects:
	// names and inodes of files. Of the dentries Objects counts one for each socket.
	Reclaimable bool   `json:"reclaimable,omitempty"`
	Note        string `json:"note,omitempty"` // why it is not known, or what is doubtful about it
}

// Grows reports whether the line rises or falls by more than chance would have it: its interval has no 0 in it. False for nil.
func (l *Line) Grows() bool { return l != nil && l.Known && (l.Low > 0 || l.High < 0) }

// Line returns the line of that name, or nil if c is nil or has none. It belongs to c.
func (c *Cost) Line(name string) *Line {
	if c == nil {
		return nil
	}
	for i := range c.Lines {
		if c.Lines[i].Name == name {
			return &c.Lines[i]
		}
	}
	return nil
}
