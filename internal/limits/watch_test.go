package limits_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"tickgate/internal/limits"
)

// netstat is /proc/net/netstat with some counters.
func netstat(overflows, synDrops, pressures, aborts int) string {
	return fmt.Sprintf("TcpExt: ListenOverflows TCPReqQFullDrop TCPMemoryPressures TCPAbortOnMemory\nTcpExt: %d %d %d %d\n",
		overflows, synDrops, pressures, aborts)
}

// conntrackDrops is /proc/net/stat/nf_conntrack of one processor.
func conntrackDrops(n int) string {
	return "entries searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error expect_new expect_create expect_delete search_restart\n" +
		"00000007" + strings.Repeat(" 00000000", 9) + fmt.Sprintf(" %08x", n) + strings.Repeat(" 00000000", 6) + "\n"
}

// watched is a machine under a watch that collects its lines.
type watched struct {
	root  string
	watch *limits.Watch
	lines []string
}

func newWatched(t *testing.T, machine tree) *watched {
	t.Helper()
	w := &watched{root: machine.write(t)}
	var err error
	w.watch, err = limits.NewWatch(w.root, limits.Demand{Conns: 100_000}, func(line string) { w.lines = append(w.lines, line) })
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// poll changes files of the machine and polls.
func (w *watched) poll(t *testing.T, change tree) {
	t.Helper()
	change.writeTo(t, w.root)
	if err := w.watch.Poll(); err != nil {
		t.Fatal(err)
	}
}

func TestWatchPoll(t *testing.T) {
	group := tree{
		"proc/42/net/netstat":                       netstat(5, 5, 5, 5),
		"proc/42/mountinfo":                         "31 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/memory.max":                  "1000000000\n",
		"proc/net/stat/nf_conntrack":                conntrackDrops(5),
		"proc/sys/net/netfilter/nf_conntrack_count": "262000\n",
		"sys/fs/cgroup/memory.events":               "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n",
	}
	tests := []struct {
		name   string
		change tree
		want   string // at the beginning; empty: no line
	}{
		{"nothing", tree{}, ""},
		{"accept queue", tree{"proc/42/net/netstat": netstat(8, 5, 5, 5)}, "3 handshakes were put off, because an accept queue of some program in this network namespace was full (ss -ltn shows whose): net.core.somaxconn is 4096 connections, needs 65535"},
		{"half-open handshakes", tree{"proc/42/net/netstat": netstat(5, 9, 5, 5)}, "4 connection requests were dropped: net.ipv4.tcp_max_syn_backlog is 2048"},
		{"pressure", tree{"proc/42/net/netstat": netstat(5, 5, 6, 5)}, "1 times TCP came under memory pressure: net.ipv4.tcp_mem is 120000 pages"},
		{"aborts", tree{"proc/42/net/netstat": netstat(5, 5, 5, 7)}, "2 connections were reset for want of TCP memory: net.ipv4.tcp_mem is 120000 pages"},
		{"firewall", tree{"proc/net/stat/nf_conntrack": conntrackDrops(21)}, "16 packets were dropped by the firewall's full table: net.netfilter.nf_conntrack_max is 262144"},
		{"killed", tree{"sys/fs/cgroup/memory.events": "oom_kill 2\n"}, "1 processes of this cgroup were killed for want of memory: memory is 954 MiB"},
		{"memory of the machine", tree{"proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 200000 kB\n"}, "memory is nearly used up: memory is 195 MiB, needs"},
		{"memory of the group", tree{"sys/fs/cgroup/memory.current": "999000000\n"}, "memory is nearly used up: memory is 977 KiB, needs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWatched(t, plain.with(group))
			w.poll(t, tt.change)
			if tt.want == "" {
				if len(w.lines) > 0 {
					t.Errorf("got %q, want no line", w.lines)
				}
				return
			}
			if len(w.lines) != 1 || !strings.HasPrefix(w.lines[0], tt.want) {
				t.Fatalf("got %q, want one line that begins with %q", w.lines, tt.want)
			}
			w.poll(t, tree{"proc/42/net/netstat": netstat(5, 5, 5, 5)})
			w.poll(t, tt.change)
			if len(w.lines) != 1 {
				t.Errorf("got %q, want the same limit told once", w.lines)
			}
		})
	}
}

// TestWatchPollOfClients: a program whose servers are elsewhere is not told about listeners of its own machine.
func TestWatchPollOfClients(t *testing.T) {
	root := plain.with(tree{"proc/42/net/netstat": netstat(5, 5, 5, 5)}).write(t)
	var lines []string
	w, err := limits.NewWatch(root, limits.Demand{Conns: 1000, Role: limits.Swarm}, func(line string) { lines = append(lines, line) })
	if err != nil {
		t.Fatal(err)
	}
	tree{"proc/42/net/netstat": netstat(9, 9, 5, 7)}.writeTo(t, root)
	if err := w.Poll(); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "tcp_mem") {
		t.Errorf("got %q, want one line about tcp_mem", lines)
	}
}

func TestWatchHit(t *testing.T) {
	w := newWatched(t, plain)
	w.watch.Hit(errors.New("no system call"))
	w.watch.Hit(syscall.ECONNRESET)
	if len(w.lines) > 0 {
		t.Errorf("got %q, want no line for what is no limit", w.lines)
	}
	for range 3 {
		w.watch.Hit(fmt.Errorf("accept: %w", syscall.EMFILE))
		w.watch.Hit(syscall.ENOSPC)
	}
	want := []string{"too many open files: nofile is 524288 descriptors, needs", "no space left on device: fs.epoll.max_user_watches is 1750000"}
	if len(w.lines) != len(want) {
		t.Fatalf("got %q, want %q", w.lines, want)
	}
	for i, line := range w.lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("got %q, want it to begin with %q", line, want[i])
		}
	}
}

// TestWatchWithoutDescriptors takes all descriptors of this process: the line comes nevertheless.
func TestWatchWithoutDescriptors(t *testing.T) {
	w := newWatched(t, plain)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Cur: 3, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	w.watch.Hit(syscall.EMFILE)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if len(w.lines) != 1 {
		t.Errorf("got %q, want one line", w.lines)
	}
}

func TestNewWatchErrors(t *testing.T) {
	if _, err := limits.NewWatch(t.TempDir(), limits.Demand{}, nil); err == nil {
		t.Error("without proc: got no error, want one")
	}
}
