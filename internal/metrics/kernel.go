package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/procfs"
)

var (
	kernelTCPMemory  = desc("kernel_tcp_memory_bytes", "Kernel memory of all TCP sockets of this machine (sockstat mem).")
	kernelTCPLimit   = desc("kernel_tcp_memory_limit_bytes", "Kernel memory at which TCP refuses more for its queues (the third number of net.ipv4.tcp_mem).")
	kernelTCPSockets = desc("kernel_tcp_sockets", "TCP sockets of this network namespace by state: in_use, allocated, orphan, time_wait.", "state")
)

// kernel reads /proc/net/sockstat and sockstat6, which are about the whole machine and not one
// process.
type kernel struct{ proc procfs.FS }

func newKernel(procRoot string) (kernel, error) {
	proc, err := procfs.NewFS(procRoot)
	if err != nil {
		return kernel{}, fmt.Errorf("open %s: %w", procRoot, err)
	}
	return kernel{proc}, nil
}

// Describe implements prometheus.Collector.
func (k kernel) Describe(ch chan<- *prometheus.Desc) {
	ch <- kernelTCPMemory
	ch <- kernelTCPLimit
	ch <- kernelTCPSockets
}

// Collect implements prometheus.Collector.
func (k kernel) Collect(ch chan<- prometheus.Metric) {
	v4, err := k.proc.NetSockstat()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(kernelTCPMemory, err)
		return
	}
	v6, err := k.proc.NetSockstat6()
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // IPv6 may be disabled
		ch <- prometheus.NewInvalidMetric(kernelTCPSockets, err)
		return
	}
	e := emitter{ch}
	tcp := protocol(v4, "TCP")
	// sockstat counts IPv6 sockets apart, and all other states for both families together.
	e.gauge(kernelTCPSockets, float64(tcp.InUse+protocol(v6, "TCP6").InUse), "in_use")
	e.optional(kernelTCPSockets, tcp.Alloc, 1, "allocated")
	e.optional(kernelTCPSockets, tcp.Orphan, 1, "orphan")
	e.optional(kernelTCPSockets, tcp.TW, 1, "time_wait")
	e.optional(kernelTCPMemory, tcp.Mem, os.Getpagesize())                              // the unit is pages
	if mem, err := k.proc.SysctlInts("net.ipv4.tcp_mem"); err == nil && len(mem) == 3 { // absent in some sandboxes
		e.gauge(kernelTCPLimit, float64(mem[2])*float64(os.Getpagesize()))
	}
}

func (e emitter) optional(d *prometheus.Desc, n *int, unit int, labels ...string) {
	if n != nil {
		e.gauge(d, float64(*n)*float64(unit), labels...)
	}
}

func protocol(s *procfs.NetSockstat, name string) procfs.NetSockstatProtocol {
	if s != nil {
		for _, p := range s.Protocols {
			if p.Protocol == name {
				return p
			}
		}
	}
	return procfs.NetSockstatProtocol{}
}
