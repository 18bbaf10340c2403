package sample

import (
	"fmt"
	"runtime"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Kernel is what the kernel holds and does for everybody on this machine. If both ends of the connections are here,
// it holds both.
type Kernel struct {
	Sockets  int   // TCP sockets in use in this network namespace
	Alloc    int   // TCP sockets that have memory, in all network namespaces
	TimeWait int   // of which only the memory of a closed connection is left
	Queues   int64 // bytes in the queues of TCP sockets
	Slab     int64 // bytes of kernel objects: sockets, inodes, files, epoll entries and everything else

	// Processor seconds of all processors since boot.
	User, System, SoftIRQ, Idle, Steal float64
}

// ReadKernel reads the kernel's counters. What cannot be read is 0.
func ReadKernel() Kernel {
	var k Kernel
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return k
	}
	k.memory(fs)
	if stat, err := fs.Stat(); err == nil {
		t := stat.CPUTotal
		k.User, k.System, k.SoftIRQ, k.Idle, k.Steal = t.User+t.Nice, t.System, t.SoftIRQ+t.IRQ, t.Idle+t.Iowait, t.Steal
	}
	return k
}

// ReadSockets reads the sizes and leaves the processor seconds out, which halves the time.
func ReadSockets() (k Kernel) {
	if fs, err := procfs.NewDefaultFS(); err == nil {
		k.memory(fs)
	}
	return k
}

func (k *Kernel) memory(fs procfs.FS) {
	if stat, err := fs.NetSockstat(); err == nil {
		k.sockets(stat)
	}
	if mem, err := fs.Meminfo(); err == nil && mem.SlabBytes != nil {
		k.Slab = int64(*mem.SlabBytes)
	}
}

func (k *Kernel) sockets(stat *procfs.NetSockstat) {
	for _, p := range stat.Protocols {
		if p.Protocol != "TCP" {
			continue
		}
		k.Sockets = p.InUse
		if p.Alloc != nil {
			k.Alloc = *p.Alloc
		}
		if p.TW != nil {
			k.TimeWait = *p.TW
		}
		if p.Mem != nil {
			k.Queues = int64(*p.Mem) * int64(unix.Getpagesize())
		}
	}
}

// Machine is what a measurement must name to be worth anything.
type Machine struct {
	Kernel string `json:"kernel"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory_bytes"`
	Arch   string `json:"arch"`
	Host   string `json:"host"`
}

// ReadMachine describes this machine.
func ReadMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Arch: runtime.GOARCH}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = fmt.Sprintf("%s %s", unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]))
		m.Host = unix.ByteSliceToString(u.Nodename[:])
	}
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return m
	}
	if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
		m.CPU = cpus[0].ModelName
	}
	if mem, err := fs.Meminfo(); err == nil && mem.MemTotalBytes != nil {
		m.Memory = int64(*mem.MemTotalBytes)
	}
	return m
}
