package sample

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Cache is a cache of kernel objects of one kind.
type Cache struct {
	Used int64   // objects; those that a processor keeps ready count as used
	Each float64 // bytes for an object, with its share of what the pages waste
}

// Bytes returns what the objects take in full pages. Pages that are left over from what others have freed are not the price of what is there now.
func (c Cache) Bytes() int64 { return int64(float64(c.Used) * c.Each) }

// Caches are the kernel's caches by name. Caches with objects of the same size share one of their names, so that a name may be missing: eventpoll_pwq is
// often found under anon_vma_chain.
type Caches map[string]Cache

// ReadCaches reads all caches in 0.3 ms. Only root may.
func ReadCaches() (Caches, error) {
	b, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		return nil, err // says which file it is
	}
	return parseCaches(b, int64(unix.Getpagesize())), nil
}

// parseCaches reads slabinfo(5), version 2.1: the name, objects in use, objects, size, objects per slab, pages per slab and more.
func parseCaches(b []byte, page int64) Caches {
	const name, used, perSlab, pagesPerSlab = 0, 1, 4, 5
	caches := make(Caches, 256)
	for l := range bytes.Lines(b) {
		fields := bytes.Fields(l)
		if len(fields) <= pagesPerSlab || fields[name][0] == '#' {
			continue
		}
		n, err1 := strconv.ParseInt(string(fields[used]), 10, 64)
		objects, err2 := strconv.ParseInt(string(fields[perSlab]), 10, 64)
		pages, err3 := strconv.ParseInt(string(fields[pagesPerSlab]), 10, 64)
		if errors.Join(err1, err2, err3) == nil && objects > 0 {
			caches[string(fields[name])] = Cache{Used: n, Each: float64(pages*page) / float64(objects)}
		}
	}
	return caches
}

// ReadReclaimable returns the names of the caches whose objects the kernel gives up when memory is short: names and inodes of files, most of all. The
// inodes of sockets are not among them, although the kernel accounts them so: it cannot give up one that is open. Reading takes some milliseconds, and
// the answer never changes.
func ReadReclaimable() map[string]bool {
	names := make(map[string]bool)
	files, _ := filepath.Glob("/sys/kernel/slab/*/reclaim_account")
	for _, file := range files {
		if n, ok := number(file, ""); ok && n == 1 {
			names[filepath.Base(filepath.Dir(file))] = true
		}
	}
	delete(names, sockets)
	return names
}

// sockets is the cache of the inodes of sockets.
const sockets = "sock_inode_cache"

// Objects returns the bytes of kernel objects that stay as long as the connections do: what is not reclaimable, and a dentry for each inode of a socket.
// All other dentries and inodes are files that some program has looked at: to list the descriptors of 15,000 connections in
// /proc leaves 15 MB behind, which the kernel gives up when it needs the memory. What is left of closed connections (TIME_WAIT) and what comes before open
// ones (requests) are not theirs either.
func (c Caches) Objects(reclaimable map[string]bool) int64 {
	sum := int64(float64(c[sockets].Used) * c["dentry"].Each)
	for name, cache := range c {
		passing := strings.HasPrefix(name, "tw_sock_") || strings.HasPrefix(name, "request_sock_")
		if !reclaimable[name] && !passing {
			sum += cache.Bytes()
		}
	}
	return sum
}

// KernelCharge returns how many bytes of kernel memory are charged to the cgroup of a process, where cgroups say so.
func KernelCharge(pid int) (int64, bool) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return 0, false
	}
	groups, err := proc.Cgroups()
	if err != nil {
		return 0, false
	}
	for _, g := range groups {
		switch {
		case slices.Contains(g.Controllers, "memory"):
			return number(filepath.Join("/sys/fs/cgroup/memory", g.Path, "memory.kmem.usage_in_bytes"), "")
		case g.HierarchyID == 0:
			if n, ok := number(filepath.Join("/sys/fs/cgroup", g.Path, "memory.stat"), "kernel"); ok {
				return n, true
			}
		}
	}
	return 0, false
}

// number reads the number behind key in a file, or the file's only one if key is empty.
func number(file, key string) (int64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(b))
	at := 0
	if key != "" {
		at = slices.Index(fields, key) + 1
	}
	if at >= len(fields) || key != "" && at == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(fields[at], 10, 64)
	return n, err == nil
}

// Size is what one process holds.
type Size struct {
	PID   int
	Top   bool  // it was found itself, and not as another's child
	Bytes int64 // proportional (PSS), or resident where that may not be read
	Own   int64 // of which no other process shares; 0 where it may not be read
}

// Sizes reads what each process holds that the last Refresh found. Those that have ended are left out.
func (p *Processes) Sizes() (sizes []Size) {
	for _, pid := range p.pids {
		proc, err := p.fs.Proc(pid)
		if err != nil {
			continue
		}
		s := Size{PID: pid, Top: slices.Contains(p.root, pid)}
		if rollup, err := proc.ProcSMapsRollup(); err == nil {
			s.Bytes, s.Own = int64(rollup.Pss), int64(rollup.PrivateClean+rollup.PrivateDirty)
		} else if stat, err := proc.Stat(); err == nil {
			s.Bytes = int64(stat.ResidentMemory())
		}
		sizes = append(sizes, s)
	}
	return sizes
}

// PSS returns the memory of all processes, with what they share divided by the number of those who share it; 0 if it may not be read. It takes 0.2 ms
// for each process.
func (p *Processes) PSS() (sum int64) {
	for _, pid := range p.pids {
		proc, err := p.fs.Proc(pid)
		if err != nil {
			continue
		}
		if rollup, err := proc.ProcSMapsRollup(); err == nil {
			sum += int64(rollup.Pss)
		}
	}
	return sum
}

// Resident returns the memory of all processes, with what they share counted for each. It takes some 10 µs for each process.
func (p *Processes) Resident() (sum int64) {
	for _, pid := range p.pids {
		if b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm")); err == nil {
			if fields := bytes.Fields(b); len(fields) > 1 {
				pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
				sum += pages * int64(unix.Getpagesize())
			}
		}
	}
	return sum
}
