package limits

import (
	"errors"
	"math"
	"syscall"
)

// Explain returns the limit that a system call ran into when it ended with err while a program was reaching d, as a
// line for the operator; empty if err comes from no limit known here.
//
//   - EMFILE: nofile of this process, or fs.file-max if that is used up
//   - ENFILE: fs.file-max
//   - EADDRNOTAVAIL (connect): the local ports of a source address
//   - ENOSPC (epoll_ctl): fs.epoll.max_user_watches
//   - ENOBUFS, ENOMEM: tcp_mem if it is exhausted, else memory
//   - EAGAIN (fork): the number of threads
func (s *Snapshot) Explain(err error, d Demand) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	check := s.blamed(errno)
	if check == nil {
		return ""
	}
	if c := check(d); c.OK() && c.Name == memoryName {
		return "" // something else refused memory
	}
	return reached(check, d)
}

// reached returns the line for a limit that was run into, whether or not it looks high enough, with the command that moves
// it and the one that moves it back; empty if the kernel has no such limit.
func reached(check func(Demand) Check, d Demand) string {
	c := check(d)
	if !c.applies() {
		return ""
	}
	if c.OK() && c.Holds < math.MaxInt/2 { // the estimate was too low, others take part of it: twice as much is a sound next step
		d.Conns = 2 * c.Holds
		c = check(d)
	}
	if c.OK() || c.Undo == "" {
		return c.String()
	}
	return c.String() + "; to undo that: " + c.Undo
}

// blamed returns the check of the limit behind errno; nil if there is none.
func (s *Snapshot) blamed(errno syscall.Errno) func(Demand) Check {
	switch errno {
	case syscall.EMFILE:
		if s.Files.Max > 0 && s.Files.Open >= s.Files.Max {
			return s.fileMax // who counts refusals does not know which of the two it was
		}
		return s.nofile
	case syscall.ENFILE:
		return s.fileMax
	case syscall.EADDRNOTAVAIL:
		return s.sourcePorts
	case syscall.ENOSPC:
		return s.watches
	case syscall.ENOBUFS, syscall.ENOMEM:
		if s.TCP.MemUsed > s.TCP.Mem[1] {
			return s.tcpMem
		}
		return s.memory
	case syscall.EAGAIN:
		return s.tasks
	}
	return nil
}

// sourcePorts is the check of the ports for a program that surely connects from somewhere.
func (s *Snapshot) sourcePorts(d Demand) Check {
	if d.Role == Gateway {
		d.Role = Swarm
	}
	d.Sources = max(d.Sources, 1)
	return s.ports(d)
}
