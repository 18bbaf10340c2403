package limits_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tickgate/internal/limits"
)

// tree is a file system: contents by path.
type tree map[string]string

// plain is a machine with 8 GB, an old nofile and nothing in the way of a container.
var plain = tree{
	"proc/42/limits": `Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            1024                 524288               files
Max locked memory         8388608              8388608              bytes
`,
	"proc/42/status":                            "Name:\tgateway\nCapBnd:\t000001ffffffffff\n",
	"proc/42/mountinfo":                         "22 1 0:21 / /proc rw,relatime - proc proc rw\n",
	"proc/42/cgroup":                            "0::/\n",
	"proc/meminfo":                              "MemTotal:        8000000 kB\nMemFree:         1000000 kB\nMemAvailable:    6000000 kB\n",
	"proc/net/sockstat":                         "sockets: used 15\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 54\n",
	"proc/sys/fs/nr_open":                       "1048576\n",
	"proc/sys/fs/file-max":                      "9223372036854775807\n",
	"proc/sys/fs/file-nr":                       "600\t0\t9223372036854775807\n",
	"proc/sys/fs/epoll/max_user_watches":        "1750000\n",
	"proc/sys/net/core/somaxconn":               "4096\n",
	"proc/sys/net/ipv4/tcp_max_syn_backlog":     "2048\n",
	"proc/sys/net/ipv4/tcp_syncookies":          "1\n",
	"proc/sys/net/ipv4/tcp_mem":                 "90000\t120000\t180000\n",
	"proc/sys/net/ipv4/tcp_rmem":                "4096\t131072\t6291456\n",
	"proc/sys/net/ipv4/tcp_wmem":                "4096\t16384\t4194304\n",
	"proc/sys/net/ipv4/ip_local_port_range":     "32768\t60999\n",
	"proc/sys/net/netfilter/nf_conntrack_max":   "262144\n",
	"proc/sys/net/netfilter/nf_conntrack_count": "0\n",
}

// with returns t with the files of more added or replaced; an empty content removes a file.
func (t tree) with(more tree) tree {
	all := maps.Clone(t)
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_, content string) bool { return content == "" })
	return all
}

// replace returns t with one replacement in one file.
func (t tree) replace(path, old, text string) tree {
	return t.with(tree{path: strings.Replace(t[path], old, text, 1)})
}

// write writes t below a new directory and returns that.
func (t tree) write(tb testing.TB) string {
	tb.Helper()
	root := tb.TempDir()
	t.writeTo(tb, root)
	if err := os.Symlink("42", filepath.Join(root, "proc/self")); err != nil {
		tb.Fatal(err)
	}
	return root
}

// writeTo writes t below root, over what is there.
func (t tree) writeTo(tb testing.TB, root string) {
	tb.Helper()
	for path, content := range t {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

func (t tree) read(tb testing.TB) *limits.Snapshot {
	tb.Helper()
	s, err := limits.Read(t.write(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
