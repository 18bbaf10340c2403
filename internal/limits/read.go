package limits

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Read returns a snapshot of the machine whose file system begins at root: "/" for the real one.
// What a kernel or container lacks is left at its zero value; only a missing proc file system is an error.
func Read(root string) (*Snapshot, error) {
	proc, err := procfs.NewFS(filepath.Join(root, "proc"))
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	self, err := proc.Self()
	if err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	r := &reader{root: root, proc: proc, self: self}
	s := &Snapshot{Files: r.files(), Memory: r.memory(), TCP: r.tcp(), Conntrack: r.conntrack(), Tasks: r.tasks()}
	s.CPUs, s.Quota = r.cpus()
	return s, r.err
}

// reader keeps the first error, so that the readers of single values can be composed.
type reader struct {
	root string
	proc procfs.FS
	self procfs.Proc
	err  error
}

func (r *reader) files() Files {
	f := Files{
		NrOpen:  r.sysctl("fs.nr_open"),
		Max:     r.sysctl("fs.file-max"),
		Open:    r.sysctl("fs.file-nr"),
		Watches: r.sysctl("fs.epoll.max_user_watches"),
	}
	f.Soft, f.Hard = r.nofile()
	status, err := r.self.NewStatus()
	r.keep(err)
	f.Raisable = status.CapBnd&(1<<unix.CAP_SYS_RESOURCE) != 0
	return f
}

// nofile reads both numbers of RLIMIT_NOFILE; procfs has only the soft one.
func (r *reader) nofile() (soft, hard int64) {
	file, err := os.Open(r.path("proc/self/limits"))
	if err != nil {
		r.keep(err)
		return 0, 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Max open files"); ok {
			if f := strings.Fields(rest); len(f) >= 2 {
				return r.number(f[0]), r.number(f[1])
			}
		}
	}
	r.keep(fmt.Errorf("%s: no line «Max open files»", file.Name()))
	return 0, 0
}

func (r *reader) memory() Memory {
	m := Memory{Limit: Unlimited}
	info, err := r.proc.Meminfo()
	if r.keep(err) {
		return m
	}
	if info.MemTotalBytes != nil {
		m.Total = clamp(*info.MemTotalBytes)
	}
	m.Available = m.Total
	if info.MemAvailableBytes != nil {
		m.Available = clamp(*info.MemAvailableBytes)
	}
	m.Limit, m.Used, m.LimitFile = r.tightest("memory")
	return m
}

func (r *reader) tcp() TCP {
	ports := r.sysctls("net.ipv4.ip_local_port_range")
	t := TCP{
		Somaxconn:  r.sysctl("net.core.somaxconn"),
		SynBacklog: r.sysctl("net.ipv4.tcp_max_syn_backlog"),
		Syncookies: r.sysctl("net.ipv4.tcp_syncookies"),
		PortLow:    ports[0],
		PortHigh:   ports[1],
		Mem:        r.sysctls("net.ipv4.tcp_mem"),
		Rmem:       r.sysctls("net.ipv4.tcp_rmem"),
		Wmem:       r.sysctls("net.ipv4.tcp_wmem"),
	}
	stat, err := r.proc.NetSockstat()
	if r.keep(err) {
		return t
	}
	for _, p := range stat.Protocols {
		if p.Protocol == "TCP" && p.Mem != nil {
			t.MemUsed = int64(*p.Mem)
		}
	}
	return t
}

func (r *reader) conntrack() Conntrack {
	return Conntrack{
		Max:   r.sysctl("net.netfilter.nf_conntrack_max"),
		Count: r.sysctl("net.netfilter.nf_conntrack_count"),
	}
}

func (r *reader) tasks() Tasks {
	var t Tasks
	t.Limit, t.Used, t.LimitFile = r.tightest("pids")
	threads := r.threads()
	for _, key := range []string{"kernel.threads-max", "kernel.pid_max"} {
		if limit := r.sysctl(key); limit > 0 && limit-threads < t.Limit-t.Used {
			t = Tasks{Limit: limit, Used: threads, LimitFile: "/" + filepath.Join("proc/sys", strings.ReplaceAll(key, ".", "/"))}
		}
	}
	return t
}

// threads returns how many threads there are on the machine: the fourth field of loadavg, «running/all».
func (r *reader) threads() int64 {
	fields := r.fields(r.path("proc"), "loadavg")
	if len(fields) < 4 {
		return 0
	}
	_, all, _ := strings.Cut(fields[3], "/")
	return r.number(all)
}

// cpus returns how many processors this process may use, and the quota if that is what bounds them.
func (r *reader) cpus() (float64, Quota) {
	processors := float64(r.processors())
	quota := r.quota()
	if share := quota.processors(); share < processors {
		return share, quota
	}
	return processors, Quota{}
}

// processors counts those that are online and on which this process may run. Its mask alone may hold some that are not.
func (r *reader) processors() (n int) {
	status, err := r.self.NewStatus()
	if r.keep(err) || len(status.CpusAllowedList) == 0 {
		return runtime.NumCPU()
	}
	online := r.fields(r.path("sys/devices/system/cpu"), "online")
	for _, cpu := range status.CpusAllowedList {
		if len(online) == 0 || r.listed(online[0], int64(cpu)) {
			n++
		}
	}
	return max(n, 1)
}

// listed reports whether a list of ranges such as 0-3,8 has n.
func (r *reader) listed(list string, n int64) bool {
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		if r.number(first) <= n && n <= r.number(last) {
			return true
		}
	}
	return false
}

// sysctl returns the first number of a sysctl; 0 if the kernel lacks it.
func (r *reader) sysctl(key string) int64 { return r.sysctls(key)[0] }

// sysctls returns up to three numbers of a sysctl; those that are not there are 0.
func (r *reader) sysctls(key string) (n [3]int64) {
	fields, err := r.proc.SysctlStrings(key)
	r.keep(err)
	for i, field := range fields[:min(len(fields), len(n))] {
		n[i] = r.number(field)
	}
	return n
}

// number parses a limit; fs.file-max may exceed an int64.
func (r *reader) number(s string) int64 {
	if s == "unlimited" || s == "max" {
		return Unlimited
	}
	n, err := strconv.ParseUint(s, 10, 64)
	r.keep(err)
	return clamp(n)
}

func (r *reader) path(elem ...string) string {
	return filepath.Join(append([]string{r.root}, elem...)...)
}

// keep keeps err and reports whether there is one. A file that does not exist is none: kernels and containers differ.
func (r *reader) keep(err error) bool {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && r.err == nil {
		r.err = fmt.Errorf("read limits: %w", err)
	}
	return err != nil
}

func clamp(n uint64) int64 {
	return int64(min(n, math.MaxInt64))
}
