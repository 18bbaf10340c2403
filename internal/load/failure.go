package load

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Failure is why a connection could not be opened, or ended without the swarm's wish, or is of no use.
type Failure uint8

// The ways a connection fails. Those up to BadHandshake are failures to connect, the others, but for Denied, ends of open
// connections.
const (
	Refused      Failure = iota // nobody listens
	Unreachable                 // no route, or an ICMP error
	NoPorts                     // EADDRNOTAVAIL of connect: the source addresses have no free port
	NoSource                    // EADDRNOTAVAIL of bind: the source address is not this machine's
	NoFiles                     // EMFILE, ENFILE: the swarm is out of descriptors
	NoMemory                    // ENOBUFS, ENOMEM: the kernel had no memory for another socket
	NoWatches                   // ENOSPC: fs.epoll.max_user_watches is used up
	SystemError                 // another error of the swarm's own system calls
	TimedOut                    // no connection, or no answer to the handshake, in time
	HungUp                      // closed or reset before the handshake was complete
	BadStatus                   // an answer with another status than 101 (WebSocket) or 200 (SSE)
	BadHandshake                // the right status, but not what RFC 6455 or the SSE standard demand

	Closed        // a WebSocket close frame; see CloseCodes
	Ended         // end of the stream without one: an SSE stream's only way to end
	WasReset      // RST
	ProtocolError // a frame or an encoding against the rules
	Oversized     // more unfinished input than the swarm keeps

	Denied // no end: a command was answered with an error (tickgate.v1)

	failures = iota
)

var failureNames = [failures]string{
	"refused", "unreachable", "no_ports", "no_source", "no_files", "no_memory", "no_watches", "system_error", "timeout", "hung_up", "bad_status", "bad_handshake",
	"closed", "ended", "reset", "protocol_error", "oversized", "denied",
}

// String returns the name used in the report.
func (f Failure) String() string { return failureNames[f] }

// BeforeOpen reports whether the connection was never open.
func (f Failure) BeforeOpen() bool { return f <= BadHandshake }

// Remedy says what to do about a failure of the swarm's own machine, or of its command line; empty if that is the
// server's business.
func (f Failure) Remedy() string {
	switch f {
	case NoPorts:
		return "connect from more addresses (--source), or widen net.ipv4.ip_local_port_range"
	case NoSource:
		return "add the address to an interface (ip address add), or leave it out of --source"
	case NoFiles:
		return "raise ulimit -n, or fs.file-max if that is high enough"
	case NoMemory:
		return "give the machine more memory, or raise net.ipv4.tcp_mem if there is enough"
	case NoWatches:
		return "raise fs.epoll.max_user_watches"
	case TimedOut:
		return "connect more slowly (--rate), wait longer (--timeout), or give the server a longer accept queue (net.core.somaxconn)"
	case Oversized:
		return "allow longer messages (--max-message)"
	}
	return ""
}

// Errno returns the error that system calls end with when f is a limit of the swarm's own machine, and 0 if f is something
// else.
func (f Failure) Errno() unix.Errno {
	switch f {
	case NoPorts:
		return unix.EADDRNOTAVAIL
	case NoFiles:
		return unix.EMFILE
	case NoMemory:
		return unix.ENOBUFS
	case NoWatches:
		return unix.ENOSPC
	}
	return 0
}

// failureOf names the error of a dial.
func failureOf(err error) Failure {
	var call *os.SyscallError
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return Refused
	case errors.Is(err, unix.EADDRNOTAVAIL) && errors.As(err, &call) && call.Syscall == "bind":
		return NoSource
	case errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.EADDRINUSE):
		return NoPorts
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return NoFiles
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
		return NoMemory
	case errors.Is(err, unix.ENOSPC):
		return NoWatches
	case errors.Is(err, unix.ETIMEDOUT):
		return TimedOut
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return HungUp
	case errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return Unreachable
	}
	return SystemError
}

// Faults counts failures. The zero value is ready; it is not safe for concurrent use.
type Faults struct {
	ByKind     [failures]int64
	CloseCodes map[int]int64      // WebSocket close codes, for Closed
	Statuses   map[int]int64      // HTTP statuses, for BadStatus
	Examples   map[Failure]string // the first of each kind, in words
}

// count adds one failure; example is called for the first of a kind.
func (f *Faults) count(kind Failure, example func() string) {
	f.ByKind[kind]++
	if f.ByKind[kind] > 1 {
		return
	}
	if f.Examples == nil {
		f.Examples = make(map[Failure]string)
	}
	f.Examples[kind] = example()
}

func countKey(m *map[int]int64, key int) {
	if *m == nil {
		*m = make(map[int]int64)
	}
	(*m)[key]++
}

// Add adds what others have counted.
func (f *Faults) Add(o *Faults) {
	for i, n := range o.ByKind {
		f.ByKind[i] += n
	}
	f.CloseCodes = added(f.CloseCodes, o.CloseCodes)
	f.Statuses = added(f.Statuses, o.Statuses)
	for kind, example := range o.Examples {
		if _, known := f.Examples[kind]; !known {
			if f.Examples == nil {
				f.Examples = make(map[Failure]string)
			}
			f.Examples[kind] = example
		}
	}
}

func added(m, o map[int]int64) map[int]int64 {
	sum := make(map[int]int64, len(m)+len(o))
	for k, n := range m {
		sum[k] += n
	}
	for k, n := range o {
		sum[k] += n
	}
	return sum
}

// FailedBeforeOpen returns how many attempts to connect came to nothing.
func (f *Faults) FailedBeforeOpen() (n int64) {
	for kind := Failure(0); kind.BeforeOpen(); kind++ {
		n += f.ByKind[kind]
	}
	return n
}
