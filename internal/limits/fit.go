package limits

import (
	"fmt"
	"math"
	"time"
)

// Role says which of the two programs the connections belong to.
type Role uint8

// The roles.
const (
	Gateway Role = iota // the server's ends
	Swarm               // the clients' ends
	Both                // both ends of each connection are on this machine
)

// What a connection costs. Measured on Linux 6.18 with 9,000 idle loopback connections: 4.0 KB of slab for each end
// (TCP 2,368, inode 832, file 192, dentry 192, epoll 2 x 128, rest: security and caches), and one page of socket
// memory while a message of up to about 2 KB is on its way or unread (/proc/net/sockstat). The 5 KiB leave a quarter
// for what varies among kernels.
const (
	KernelBytes  = 5 << 10 // each end, kernel
	QueueBytes   = 4 << 10 // each connection with a message in flight, kernel; one page, the unit of tcp_mem
	GatewayBytes = 300     // user space, design target of the gateway
	SwarmBytes   = 300     // user space, budget of the swarm
)

// What a delivered message costs in processor time, and how much of the processors can be planned with. Measured with
// 100,000 connections and one message a second on 2 cores (docs/measurements.md, "100,000 connections": 5.24 µs of the
// gateway and 3.0 to 3.3 µs of the swarm). Nearly all of the gateway's is send(2), which over loopback includes the
// receiver's half of TCP; a real card is cheaper.
const (
	GatewayMessage = 5200 * time.Nanosecond
	SwarmMessage   = 3 * time.Microsecond
	usableCPU      = 0.8 // the rest is for connects, heartbeats, garbage collection and others
)

// What a process costs, apart from its connections.
const (
	ReserveFiles   = 256      // descriptors: listeners, epoll, bus, admin and the files of the Go runtime; most are spare
	processBytes   = 40 << 20 // an idle worker with its rings and pools
	processThreads = 24       // Go runtime: loops, sysmon, GC workers and blocked system calls
)

// Demand is what somebody wants to hold.
type Demand struct {
	Conns int  // connections; at least 1
	Role  Role // default Gateway

	// Processes is how many processes share Conns where that was decided already; 0 for as many as it takes.
	Processes int

	// Sources is how many local addresses the swarm connects from. 0 means that it takes as many as it needs, as it
	// does for a loopback target (127.0.0.0/8).
	Sources int

	// Targets is how many addresses and ports the swarm connects to; each gives every source its ports once more.
	// Default 1.
	Targets int

	// Rate is how many messages a second each connection gets; 0 leaves processor time out.
	Rate float64
}

// Fit is what a machine can hold of a Demand.
type Fit struct {
	Demand     Demand
	Conns      int     // how many of Demand.Conns this machine can hold, with as many processes as that takes
	Machine    int     // how many it could hold at most
	PerProcess int     // how many one process can hold
	Workers    int     // gateway processes for Conns; 0 for Swarm
	Clients    int     // swarm processes for Conns; 0 for Gateway
	Checks     []Check // all that was compared, in the order in which it is explained
}

// Fit compares s with d. Call RaiseNofile before Read, so that s holds the limits that the process really has.
func (s *Snapshot) Fit(d Demand) Fit {
	d.Conns = max(d.Conns, 1)
	f := Fit{Demand: d, Checks: s.checks(d)}
	f.Machine = f.Wall(Machine).Holds
	f.PerProcess = min(f.Wall(Process).Holds, f.Machine)
	f.Conns = min(d.Conns, f.Machine)
	if d.Role != Swarm {
		f.Workers = shared(f.Conns, f.PerProcess)
	}
	if d.Role != Gateway {
		f.Clients = divided(f.Conns, f.PerProcess)
	}
	return f
}

// Wall returns the check that comes first in the way of more connections: of one process (Process), of the whole
// machine (Machine), or of many at once (Load).
func (f *Fit) Wall(k Kind) Check {
	wall := Check{Kind: k, Holds: math.MaxInt}
	for _, c := range f.Checks {
		if c.Kind == k && c.Holds < wall.Holds {
			wall = c
		}
	}
	return wall
}

// WhyWorkers is the line that explains why more than one process is needed, with what would make one enough; empty
// if one is.
func (f *Fit) WhyWorkers() string {
	n := max(f.Workers, f.Clients)
	if n <= 1 {
		return ""
	}
	w := f.Wall(Process)
	return fmt.Sprintf("%s is %s: one process holds %d of %d connections, so %d processes share them; for a single one: %s",
		w.Name, w.amount(w.Now), f.PerProcess, f.Conns, n, w.Change)
}

// WhyFewer is the line that explains why not all of the demand fits, with what to do about it; empty if it fits.
func (f *Fit) WhyFewer() string {
	if f.Conns >= f.Demand.Conns {
		return ""
	}
	return fmt.Sprintf("%d of %d connections fit: %s", f.Conns, f.Demand.Conns, f.Wall(Machine))
}

// divided returns how many processes hold n connections if each takes the same share.
func divided(n, each int) int {
	if each <= 0 {
		return 1
	}
	return max(1, (n+each-1)/each)
}

// shared returns how many processes hold n connections that SO_REUSEPORT spreads over them by a hash. Their shares
// then vary like coin tosses; four standard deviations are kept free, which 6 workers exceed once in 5,000 fillings.
func shared(n, each int) int {
	w := divided(n, each)
	// A process that holds fewer than 64 could never have that much room to spare.
	for w > 1 && each >= 64 && !spread(float64(n)/float64(w), float64(each)) {
		w++
	}
	return w
}

func spread(share, each float64) bool { return share+4*math.Sqrt(share) <= each }
