package limits

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// unlimitedV1 is from where on a limit of cgroup v1 means none: it reads as the largest int64 rounded down to a page.
const unlimitedV1 = math.MaxInt64 - 1<<16

// group is a directory of a cgroup hierarchy, with the names that its version gives to the files.
type group struct {
	dir   string // of this process
	mount string // the top of what is visible here
	v2    bool
}

// knob names the files of one controller in both versions.
type knob struct{ limit, used, cacheKey string }

func (g group) knob(controller string) knob {
	switch {
	case controller == "pids":
		return knob{limit: "pids.max", used: "pids.current"}
	case g.v2:
		return knob{limit: "memory.max", used: "memory.current", cacheKey: "inactive_file"}
	default:
		return knob{limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", cacheKey: "total_inactive_file"}
	}
}

// group returns where this process is in the hierarchy of controller. A hierarchy of version 1 wins: where both
// versions are mounted, a controller that has one of its own is not in the unified one.
func (r *reader) group(controller string) (group, bool) {
	mounts, err := r.proc.GetMounts()
	r.keep(err)
	paths, err := r.self.Cgroups()
	r.keep(err)
	for _, v2 := range []bool{false, true} {
		m := slices.IndexFunc(mounts, func(m *procfs.MountInfo) bool { return mounted(m, controller, v2) })
		p := slices.IndexFunc(paths, func(c procfs.Cgroup) bool { return member(c, controller, v2) })
		if m >= 0 && p >= 0 {
			top := r.path(mounts[m].MountPoint)
			return group{dir: filepath.Join(top, below(paths[p].Path, mounts[m].Root)), mount: top, v2: v2}, true
		}
	}
	return group{}, false
}

func mounted(m *procfs.MountInfo, controller string, v2 bool) bool {
	if v2 {
		return m.FSType == "cgroup2"
	}
	_, ok := m.SuperOptions[controller]
	return m.FSType == "cgroup" && ok
}

func member(c procfs.Cgroup, controller string, v2 bool) bool {
	if v2 {
		return c.HierarchyID == 0
	}
	return slices.Contains(c.Controllers, controller)
}

// below returns path relative to the directory root of the hierarchy, which is what a container sees at the top.
// A path outside of it cannot be seen; the top is the best that is known then.
func below(path, root string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "."
	}
	return rel
}

// tightest returns the limit with the least room among the process's group and all those above it, what is used of
// it, and the file that sets it; Unlimited, 0 and "" if there is none.
func (r *reader) tightest(controller string) (limit, used int64, file string) {
	limit = Unlimited
	for g, ok := r.group(controller); ok; g, ok = g.parent() {
		k := g.knob(controller)
		l, known := r.value(g.dir, k.limit)
		if !known || l >= unlimitedV1 {
			continue
		}
		u, _ := r.value(g.dir, k.used)
		u -= r.cache(g.dir, k.cacheKey)
		if file == "" || l-u < limit-used {
			limit, used, file = l, u, r.visible(g.dir, k.limit)
		}
	}
	return limit, used, file
}

func (g group) parent() (group, bool) {
	if g.dir == g.mount {
		return group{}, false
	}
	g.dir = filepath.Dir(g.dir)
	return g, true
}

// processors returns how many processors' time q is; infinite if there is no quota.
func (q Quota) processors() float64 {
	if q.File == "" {
		return math.Inf(1)
	}
	return float64(q.Microseconds) / float64(q.Period)
}

// quota returns the least quota of the process's group and all those above it.
func (r *reader) quota() (least Quota) {
	for g, ok := r.group("cpu"); ok; g, ok = g.parent() {
		name := "cpu.max"
		fields := r.fields(g.dir, name)
		if !g.v2 {
			name = "cpu.cfs_quota_us"
			fields = append(r.fields(g.dir, name), r.fields(g.dir, "cpu.cfs_period_us")...)
		}
		if len(fields) != 2 || fields[0] == "max" || fields[0] == "-1" {
			continue
		}
		q := Quota{Microseconds: r.number(fields[0]), Period: r.number(fields[1]), File: r.visible(g.dir, name)}
		if q.Period > 0 && q.processors() < least.processors() {
			least = q
		}
	}
	return least
}

// visible returns the path of a file as this machine's users know it, without the root of the tree that is read.
func (r *reader) visible(dir, name string) string {
	return strings.TrimPrefix(filepath.Join(dir, name), strings.TrimSuffix(r.root, "/"))
}

// cache returns the bytes of page cache that the kernel gives up first (memory.stat); they do not count as used.
func (r *reader) cache(dir, key string) int64 {
	if key == "" {
		return 0
	}
	fields := r.fields(dir, "memory.stat")
	if i := slices.Index(fields, key); i >= 0 && i+1 < len(fields) {
		return r.number(fields[i+1])
	}
	return 0
}

func (r *reader) value(dir, name string) (n int64, ok bool) {
	fields := r.fields(dir, name)
	if len(fields) == 0 {
		return 0, false
	}
	if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
		return n, true
	}
	return r.number(fields[0]), true
}

func (r *reader) fields(dir, name string) []string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	r.keep(err)
	return strings.Fields(string(b))
}
