package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// missing stands for a setting that this kernel does not have.
const missing = -1

// Facts are what the doctor looks at besides limits.Snapshot.
type Facts struct {
	Kernel string

	// Shares in percent of the last minute in which something waited (/proc/pressure, "some avg60"); missing without PSI.
	CPUPressure, MemoryPressure, IOPressure float64

	SwapTotal, SwapUsed int64  // bytes
	HugePages           string // transparent huge pages: always, madvise or never; empty if the kernel has none
	HugeFill            int64  // khugepaged/max_ptes_none: how many of 512 pages it may add to make a huge one; missing

	MigrateReq int64 // net.ipv4.tcp_migrate_req; missing before Linux 5.14
	WmemMax    int64 // net.core.wmem_max in bytes: bounds what SO_SNDBUF can ask for; missing
	IOUring    int64 // kernel.io_uring_disabled: 0 for everybody, 1 privileged, 2 nobody; missing before Linux 6.6
	TLS        bool  // the kernel can encrypt TLS records (the module tls is loaded)
	Backlogs   []Backlog
}

// Backlog is a listening socket's accept queue.
type Backlog struct{ Waiting, Most int64 }

// ReadFacts reads them below root, as limits.Read does. Listening sockets are asked from the kernel, and only if root is "/".
func ReadFacts(root string, port uint16) (*Facts, error) {
	proc, err := procfs.NewFS(filepath.Join(root, "proc"))
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	r := tree(root)
	f := &Facts{
		Kernel:      r.text("proc/sys/kernel/osrelease"),
		CPUPressure: pressure(proc, "cpu"), MemoryPressure: pressure(proc, "memory"), IOPressure: pressure(proc, "io"),
		HugePages:  selected(r.text("sys/kernel/mm/transparent_hugepage/enabled")),
		HugeFill:   r.number("sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none"),
		MigrateReq: r.number("proc/sys/net/ipv4/tcp_migrate_req"),
		WmemMax:    r.number("proc/sys/net/core/wmem_max"),
		IOUring:    r.number("proc/sys/kernel/io_uring_disabled"),
		TLS:        slices.Contains(strings.Fields(r.text("proc/sys/net/ipv4/tcp_available_ulp")), "tls"),
	}
	swaps, err := proc.Swaps()
	if err == nil {
		for _, s := range swaps {
			f.SwapTotal += int64(s.Size) << 10
			f.SwapUsed += int64(s.Used) << 10
		}
	}
	if root == "/" && port > 0 {
		f.Backlogs, err = backlogs(port)
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

func pressure(proc procfs.FS, resource string) float64 {
	stats, err := proc.PSIStatsForResource(resource)
	if err != nil || stats.Some == nil {
		return missing
	}
	return stats.Some.Avg60
}

// tree is a root directory.
type tree string

func (t tree) text(path string) string {
	b, err := os.ReadFile(filepath.Join(string(t), path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (t tree) number(path string) int64 {
	n, err := strconv.ParseInt(t.text(path), 10, 64)
	if err != nil {
		return missing
	}
	return n
}

// selected returns the word in brackets of «always [madvise] never».
func selected(s string) string {
	_, s, _ = strings.Cut(s, "[")
	s, _, _ = strings.Cut(s, "]")
	return s
}
