package doctor

import (
	"fmt"
	"math"
	"slices"

	"tickgate/internal/limits"
)

// examination looks at what is not a bound on connections.
type examination struct {
	machine  *limits.Snapshot
	facts    *Facts
	question Question
	fit      *limits.Fit
}

// traps returns a finding for each thing that this kernel has and that concerns the question.
func (x *examination) traps() (found []Finding) {
	for _, look := range []func() (Finding, bool){
		x.backlog, x.ports, x.receiveBuffers, x.sendBuffers, x.memoryPressure, x.cpuPressure, x.ioPressure,
		x.swap, x.migrate, x.hugePages, x.ioUring, x.tls,
	} {
		if f, concerns := look(); concerns {
			if f.Holds == 0 {
				f.Holds = unbounded
			}
			found = append(found, f)
		}
	}
	return found
}

func sysctl(key, value string) string { return fmt.Sprintf("sudo sysctl -w %s=%s", key, value) }

// backlog compares the accept queue of a gateway that runs already with what one started now would get.
func (x *examination) backlog() (Finding, bool) {
	if len(x.facts.Backlogs) == 0 || x.question.Role == limits.Swarm {
		return Finding{}, false
	}
	least := slices.MinFunc(x.facts.Backlogs, func(a, b Backlog) int { return int(a.Most - b.Most) })
	port := x.question.Port
	f := Finding{
		Name: "backlog in use", State: OK,
		Now: amount(least.Most, "connections"), Need: amount(x.machine.TCP.Somaxconn, "connections"), Holds: int(least.Most),
		Why:    fmt.Sprintf("the accept queue of what listens on port %d now, %d wait in it", port, least.Waiting),
		Breaks: "as with net.core.somaxconn, whatever that says now",
		Myth:   advice["net.core.somaxconn"].myth,
	}
	if least.Most < x.machine.TCP.Somaxconn {
		f.State, f.Change = Slow, "restart it: a backlog is taken over when it begins to listen"
	}
	return f, true
}

// ports is about local ports where the swarm takes as many source addresses as it needs, so that they bound nothing.
// With a number of sources, internal/limits compares them.
func (x *examination) ports() (Finding, bool) {
	const key = "net.ipv4.ip_local_port_range"
	if x.question.Role == limits.Gateway || x.question.Sources > 0 {
		return Finding{}, false
	}
	ports := x.machine.TCP.Ports()
	return Finding{
		Name: key, State: OK, Now: words("%s ports for each source", comma(int(ports))), Need: words("any number"),
		Why:    "the swarm takes another source address for every so many connections, which loopback has",
		Breaks: advice[key].breaks, Myth: advice[key].myth,
	}, true
}

// migrate is about connections that wait in the queue of a listener that goes away.
func (x *examination) migrate() (Finding, bool) {
	const key = "net.ipv4.tcp_migrate_req"
	if x.facts.MigrateReq == missing || x.question.Role == limits.Swarm {
		return Finding{}, false
	}
	f := Finding{
		Name: key, State: OK, Now: words("%d", x.facts.MigrateReq), Need: words("0 or 1"),
		Why:    "one process: when its listeners go, all go, and there is none to hand connections to",
		Breaks: "when a worker ends or restarts, connections that it has not accepted yet are reset",
		Myth:   "\"SO_REUSEPORT makes restarts seamless\": each listener has a queue of its own, which dies with it",
	}
	if x.fit.Workers > 1 {
		f.Need = words("1")
		f.Why = fmt.Sprintf("with %d workers, what one has not accepted when it ends can go to another", x.fit.Workers)
		if x.facts.MigrateReq == 0 {
			f.State, f.Change, f.Undo = Note, sysctl(key, "1"), sysctl(key, "0")
		}
	}
	return f, true
}

// ioUring and tls look ahead: batched sends and TLS in the kernel would need them.
func (x *examination) ioUring() (Finding, bool) {
	const key = "kernel.io_uring_disabled"
	f := Finding{
		Name: "io_uring", State: OK, Now: words("allowed"), Need: words("nothing yet"),
		Why:    "batched sends would use it; the event loops use epoll and do without",
		Breaks: "nothing today",
		Myth:   "\"io_uring is faster than epoll\": what a message costs is TCP's work inside of send, which stays",
	}
	switch x.facts.IOUring {
	case missing:
		f.State, f.Now = Absent, words("this kernel does not say (before 6.6, or built without)")
	case 1, 2:
		f.State, f.Now = Absent, words("switched off (%s = %d)", key, x.facts.IOUring)
		f.Change, f.Undo = sysctl(key, "0"), sysctl(key, fmt.Sprint(x.facts.IOUring))
	}
	return f, true
}

func (x *examination) tls() (Finding, bool) {
	f := Finding{
		Name: "kernel TLS", State: OK, Now: words("there"), Need: words("nothing yet"),
		Why:    "TLS on the event loops would use it; today TLS ends in front of the gateway",
		Breaks: "nothing today",
		Myth:   "\"kTLS makes TLS cheap\": it saves a copy; the encryption of each client's own bytes stays",
	}
	if !x.facts.TLS {
		f.State, f.Now = Absent, words("not loaded")
		f.Change, f.Undo = "sudo modprobe tls (where the kernel has the module)", "sudo modprobe -r tls"
	}
	return f, true
}

// share returns what part of its clients a push server must expect not to read: lids that are closed, tabs that are frozen.
func share(conns int) int64 { return int64(math.Ceil(float64(conns) * asleep)) }

const asleep = 0.01
