package doctor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/doctor"
	"tickgate/internal/limits"
)

// answer is what these tests read of the doctor's JSON.
type answer struct {
	Fits     bool
	Workers  int
	Machine  struct{ CPUs float64 }
	Walls    struct{ First, Process, Machine, Pace *point }
	Findings []struct {
		Name, State, Change, Undo string
		Conns                     *int
	}
}

type point struct {
	Name  string
	Conns int
}

// ask starts a doctor in a process of its own, through a shell command that ends in «exec "$@"».
func ask(t *testing.T, shell string, q doctor.Question) answer {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-ec", shell, "sh", os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(text), "GORACE=atexit_sleep_ms=0") // it sleeps a second otherwise
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, stderr.Bytes())
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return a
}

func (a answer) want(t *testing.T, name, state string, conns int) {
	t.Helper()
	for _, f := range a.Findings {
		if f.Name != name {
			continue
		}
		if f.State != state || conns > 0 && (f.Conns == nil || *f.Conns != conns) {
			t.Errorf("got %s %s, enough for %s; want %s for %d", f.State, name, number(f.Conns), state, conns)
		}
		return
	}
	t.Errorf("got no finding %s", name)
}

func number(n *int) string {
	if n == nil {
		return "any number"
	}
	return fmt.Sprint(*n)
}

func TestLiveNofile(t *testing.T) {
	a := ask(t, `ulimit -n 3000; exec "$@"`, question(10_000, limits.Gateway, 0))
	a.want(t, "nofile", "split", 2744)
	if a.Walls.First == nil || *a.Walls.First != (point{"nofile", 2744}) || a.Workers != 4 {
		t.Errorf("got first wall %+v and %d workers, want nofile at 2744 and 4", a.Walls.First, a.Workers)
	}
}

func TestLiveAffinity(t *testing.T) {
	need(t, "taskset")
	a := ask(t, `exec taskset -c 0 "$@"`, question(1000, limits.Both, 1))
	a.want(t, "cpu", "ok", 0)
	if a.Machine.CPUs > 1 || a.Walls.Pace.Conns != int(a.Machine.CPUs*0.8/8.2e-6) {
		t.Errorf("got %v CPUs for %d connections, want at most 1 and 97,560 for each", a.Machine.CPUs, a.Walls.Pace.Conns)
	}
}

// TestLiveNetwork breaks what belongs to a network namespace, in one of its own.
func TestLiveNetwork(t *testing.T) {
	need(t, "unshare")
	if out, err := exec.Command("unshare", "-n", "true").CombinedOutput(); err != nil {
		t.Skipf("no network namespace may be made here: %s", out)
	}
	swarm := fromOne(5000, 1)
	gateway := question(5000, limits.Gateway, 0)
	tests := []struct {
		sysctl, value string
		question      doctor.Question
		finding       string
		state         string
		conns         int
		first         bool
	}{
		{"net/ipv4/ip_local_port_range", "20000 20999", swarm, "net.ipv4.ip_local_port_range", "stop", 1000, true},
		{"net/core/somaxconn", "77", gateway, "net.core.somaxconn", "slow", 77, false},
		{"net/ipv4/tcp_syncookies", "0", question(1_000_000, limits.Gateway, 0), "net.ipv4.tcp_max_syn_backlog", "slow", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.finding, func(t *testing.T) {
			inside := fmt.Sprintf(`echo %s > /proc/sys/%s; exec "$@"`, tt.value, tt.sysctl)
			a := ask(t, fmt.Sprintf(`exec unshare -n sh -ec '%s' sh "$@"`, inside), tt.question)
			a.want(t, tt.finding, tt.state, tt.conns)
			if first := a.Walls.First; tt.first && (first == nil || *first != (point{tt.finding, tt.conns})) {
				t.Errorf("got first wall %+v, want %s at %d", first, tt.finding, tt.conns)
			}
		})
	}
}

// TestLiveSysctl lowers bounds of this machine by a little and asks for a little more than that: the doctor has to notice,
// and nobody else does. What was there before is put back.
func TestLiveSysctl(t *testing.T) {
	tests := []struct {
		key   string
		role  limits.Role
		state string
	}{
		{"fs.epoll.max_user_watches", limits.Gateway, "stop"},
		{"fs.file-max", limits.Gateway, "stop"},
		{"fs.nr_open", limits.Gateway, "split"},
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			before := sysctlNumber(t, tt.key)
			if before > 1<<40 {
				t.Skipf("%s is unlimited here", tt.key)
			}
			conns := int(before)
			setSysctl(t, tt.key, before-before/100, before)
			a := ask(t, `exec "$@"`, question(conns, tt.role, 0))
			a.want(t, tt.key, tt.state, 0)
		})
	}
}

func sysctlPath(key string) string {
	return filepath.Join("/proc/sys", strings.ReplaceAll(key, ".", "/"))
}

func sysctlNumber(t *testing.T, key string) (n int64) {
	t.Helper()
	text, err := os.ReadFile(sysctlPath(key))
	if err != nil {
		t.Skip(err)
	}
	if _, err := fmt.Sscan(string(text), &n); err != nil {
		t.Skip(err) // more than an int64: unlimited
	}
	return n
}

// setSysctl sets a key until the test ends; the test is skipped if that is not permitted.
func setSysctl(t *testing.T, key string, value, before int64) {
	t.Helper()
	set := func(n int64) error { return os.WriteFile(sysctlPath(key), []byte(fmt.Sprint(n)), 0) }
	t.Cleanup(func() {
		if sysctlNumber(t, key) != before {
			if err := set(before); err != nil {
				t.Error(err)
			}
		}
	})
	if err := set(value); err != nil {
		t.Skip(err)
	}
}

// TestLiveBacklog asks the kernel about a listener with a short accept queue in which one connection waits.
func TestLiveBacklog(t *testing.T) {
	const backlog = 7
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*unix.SockaddrInet4).Port
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	facts, err := doctor.ReadFacts("/", uint16(port))
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.Backlogs) == 0 {
		t.Skip("this kernel does not tell of listening sockets (CONFIG_INET_DIAG)")
	}
	if want := (doctor.Backlog{Waiting: 1, Most: backlog}); len(facts.Backlogs) != 1 || facts.Backlogs[0] != want {
		t.Fatalf("got %+v, want %+v", facts.Backlogs, want)
	}
	q := asked
	q.Port = uint16(port)
	a := ask(t, `exec "$@"`, q)
	a.want(t, "backlog in use", "slow", backlog)
}

// need skips a test whose outside program is missing.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
}
