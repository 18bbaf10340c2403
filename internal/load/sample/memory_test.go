package sample

import (
	"os"
	"path/filepath"
	"testing"
)

func TestParseCaches(t *testing.T) {
	const text = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
TCPv6                 65    117   2496   13    8 : tunables    0    0    0 : slabdata      9      9      0
TCP                   92    143   2368   13    8 : tunables    0    0    0 : slabdata     10     11      0
broken               x
`
	got := parseCaches([]byte(text), 4096)
	if len(got) != 2 || got["TCP"] != (Cache{92, 8 * 4096 / 13.0}) || got["TCPv6"].Bytes() != 65*8*4096/13 {
		t.Errorf("got %v, want 92 and 65 objects, 13 to 8 pages", got)
	}
}

func TestObjects(t *testing.T) {
	caches := Caches{
		"sock_inode_cache": {Used: 10, Each: 20}, "dentry": {Used: 1e6, Each: 5}, "ext4_inode_cache": {Used: 1e6, Each: 9}, "TCP": {Used: 10, Each: 50},
		"tw_sock_TCP": {Used: 1000, Each: 256}, "request_sock_TCPv6": {Used: 1000, Each: 320},
	}
	reclaimable := map[string]bool{"dentry": true, "ext4_inode_cache": true}
	if got := caches.Objects(reclaimable); got != 10*20+10*5+10*50 {
		t.Errorf("got %d, want 10 sockets with their inodes and dentries", got)
	}
}

func TestNumber(t *testing.T) {
	file := filepath.Join(t.TempDir(), "memory.stat")
	if err := os.WriteFile(file, []byte("anon 4096\nkernel 8192\nsock"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key  string
		want int64
		ok   bool
	}{{"kernel", 8192, true}, {"anon", 4096, true}, {"sock", 0, false}, {"file", 0, false}, {"", 0, false}} {
		if got, ok := number(file, tt.key); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %d, %v, want %d, %v", tt.key, got, ok, tt.want, tt.ok)
		}
	}
	if _, ok := number(file+"-", "kernel"); ok {
		t.Error("a file that does not exist has a number")
	}
}

func TestSizes(t *testing.T) {
	p, err := NewProcesses(Fixed(os.Getpid()), nil)
	if err != nil {
		t.Fatal(err)
	}
	sizes := p.Sizes()
	if len(sizes) != 1 || !sizes[0].Top || sizes[0].Bytes < 1<<20 || sizes[0].Own > sizes[0].Bytes || sizes[0].PID != os.Getpid() {
		t.Errorf("got %+v, want this process with a megabyte at least", sizes)
	}
	rss, pss := p.Resident(), p.PSS()
	if usage := p.Usage().RSS; rss < usage/2 || rss > usage*2 {
		t.Errorf("got %d bytes resident, want some %d as /proc/PID/stat says", rss, usage)
	}
	if pss > rss*11/10 {
		t.Errorf("got a proportional share of %d bytes of %d resident", pss, rss)
	}
}
