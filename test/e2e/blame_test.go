package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tickgate/internal/trial"
)

// Each of these tests does something to one tick that is late by it, and looks at whom the swarm's report blames. What is done takes more than a
// second, so that the noise of a busy machine seldom matters. It can be longer still, and then the report is right to blame it: such a trial is made again.
const (
	blameInterval = 3 * time.Second
	blameDelay    = 1200 * time.Millisecond
	// blameLead is how long before the tick the deed begins.
	blameLead = 150 * time.Millisecond
)

// lateTick is a gateway with a swarm on it, and a tick to come.
type lateTick struct {
	g     *gateway
	swarm *exec.Cmd
	tick  time.Time // intended time of the tick that will be late

	out  bytes.Buffer
	file string
}

// verdict is what the swarm's report says of a slow tick.
type verdict struct {
	Intended time.Time          `json:"intended"`
	Late     float64            `json:"late_ms"`
	Cause    string             `json:"cause"`
	Excess   float64            `json:"excess_ms"`
	Parts    map[string]float64 `json:"parts_ms"`
}

// blameFlags are those of every gateway on trial, with others.
func blameFlags(others map[string]string) map[string]string {
	flags := map[string]string{"feed-interval": blameInterval.String(), "workers": "1", "loops": "1", "policy": "-"}
	maps.Copy(flags, others)
	return flags
}

// newTrial starts both and returns when all clients hold and a tick is about to come.
func newTrial(t testing.TB, s setup) *lateTick {
	t.Helper()
	const conns = 200
	tr := &lateTick{g: startGateway(t, s), file: filepath.Join(t.TempDir(), "report.json")}
	tr.swarm = exec.Command(binaries.swarm, "http://"+tr.g.Addr, "--admin=http://"+tr.g.Admin, "--json="+tr.file, "--conns=200",
		"--ticks=5", "--processes=1", "--objective=300ms", "--progress=off")
	tr.swarm.Stdout, tr.swarm.Stderr = &tr.out, &tr.out
	if err := tr.swarm.Start(); err != nil {
		t.Fatalf("start the swarm: %v", err)
	}
	t.Cleanup(func() {
		if tr.swarm.ProcessState == nil { // the test failed before expect
			_ = tr.swarm.Process.Kill()
			_ = tr.swarm.Wait()
		}
	})
	eventually(t, patience, "200 open connections", func() bool { return sum(tr.g.scrape(t), "tickgate_connections", `state="open"`) >= conns })
	tr.tick = time.Now().Add(blameInterval * 3 / 2).Truncate(blameInterval).Add(blameInterval) // a tick or two come before
	return tr
}

// wait waits for a moment before, or after, the tick.
func (tr *lateTick) wait(after time.Duration) { until(tr.tick.Add(after)) }

// until waits for a moment: what these tests do has to meet the clock, not a condition.
func until(moment time.Time) { <-time.After(time.Until(moment)) }

// freeze stops processes around the tick.
func (tr *lateTick) freeze(t testing.TB, pids ...int) {
	t.Helper()
	signal := func(sig syscall.Signal) {
		for _, pid := range pids {
			if err := syscall.Kill(pid, sig); err != nil {
				t.Errorf("send %v to %d: %v", sig, pid, err)
			}
		}
	}
	tr.wait(-blameLead)
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT)
	tr.wait(blameDelay)
}

// expect waits for the report and checks whom it blames for the tick.
func (tr *lateTick) expect(t testing.TB, cause string) {
	t.Helper()
	if err := tr.swarm.Wait(); err != nil {
		t.Errorf("the swarm: %v\n%s", err, &tr.out)
	}
	text, err := os.ReadFile(tr.file)
	if err != nil {
		t.Fatalf("the swarm's report: %v\n%s", err, &tr.out)
	}
	var r struct {
		Blame struct {
			Ticks []verdict
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("the swarm's report: %v\n%s", err, text)
	}
	// The slowest comes first. On a starved machine a deed may take so long that the feed leaves its tick out.
	i := slices.IndexFunc(r.Blame.Ticks, func(v verdict) bool { return !v.Intended.Before(tr.tick) })
	if i < 0 {
		t.Fatalf("tick of %v: got no verdict, want %s: %+v\n%s", tr.tick, cause, r.Blame.Ticks, &tr.out)
	}
	r.Blame.Ticks[i].check(t, cause)
	if !strings.Contains(tr.out.String(), "SLOW TICKS") {
		t.Errorf("got no table of slow ticks:\n%s", &tr.out)
	}
}

// check checks the cause, and that the parts explain the delay.
func (v *verdict) check(t testing.TB, cause string) {
	t.Helper()
	t.Logf("late by %.0f ms: %s, parts %v", v.Late, v.Cause, v.Parts)
	if v.Cause != cause {
		t.Errorf("got %s blamed, want %s: %+v", v.Cause, cause, v)
	}
	total := 0.0
	for _, ms := range v.Parts {
		total += ms
	}
	if math.Abs(total-v.Late) > 0.01 {
		t.Errorf("got parts of %.3f ms together, want those of the delay, %.3f ms", total, v.Late)
	}
	if v.Parts[cause] < 500 {
		t.Errorf("got %.0f ms of %s, want most of the %v that were injected", v.Parts[cause], cause, blameDelay)
	}
}

// TestBlameLateFeed: the process of the feed does not run when the tick is due.
func TestBlameLateFeed(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		tr := newTrial(t, setup{flags: blameFlags(map[string]string{"workers": "2"})})
		tr.freeze(t, tr.g.pid())
		tr.expect(t, "feed")
	})
}

// TestBlameStoppedWorker: one of two workers does not run when the tick is due. The other one shows that it is not the bus.
func TestBlameStoppedWorker(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		tr := newTrial(t, setup{flags: blameFlags(map[string]string{"workers": "2"})})
		tr.freeze(t, tr.g.workers()[0])
		tr.expect(t, "off_cpu")
	})
}

// TestBlameSwarm: the swarm does not run when the tick is due.
func TestBlameSwarm(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		tr := newTrial(t, setup{flags: blameFlags(nil)})
		tr.freeze(t, tr.swarm.Process.Pid)
		tr.expect(t, "swarm")
	})
}

// TestBlameBus: the messages between the gateway and an external NATS server are held up.
func TestBlameBus(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		line := startDelayedNATS(t)
		tr := newTrial(t, setup{flags: blameFlags(map[string]string{"nats": line.url()})})
		tr.wait(-blameLead)
		line.hold()
		tr.wait(blameDelay)
		line.release()
		tr.expect(t, "bus")
	})
}

// TestBlameGateway bends the gateway at one place for one tick. One gateway at a time: all feeds tick at the same moments, and the deeds would wait
// for each other's processors.
func TestBlameGateway(t *testing.T) {
	t.Parallel()
	for place, test := range map[string]struct {
		cause string
		env   []string
	}{
		"hub":    {"hub", nil},
		"fanout": {"fanout", nil},
		"assist": {"gc_assist", []string{"GOGC=10"}},
		"pause":  {"gc_pause", []string{"GODEBUG=asyncpreemptoff=1"}},
	} {
		t.Run(place, func(t *testing.T) {
			trial.Again(t, func(t testing.TB) {
				tr := newTrial(t, bent(t, place, blameFlags(nil), test.env...))
				tr.wait(-blameLead)
				tr.g.signal(t, syscall.SIGUSR1)
				tr.expect(t, test.cause)
			})
		})
	}
}

// TestBlameHandshakes: sixty clients knock just before the tick, with handshakes that take the loop 20 ms each.
func TestBlameHandshakes(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		tr := newTrial(t, bent(t, "handshake", blameFlags(nil)))
		tr.wait(-blameLead)
		for range 60 {
			c, err := net.Dial("tcp", tr.g.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := fmt.Fprintf(c, "GET /sse HTTP/1.1\r\nHost: %s\r\n\r\n", tr.g.Addr); err != nil {
				t.Fatal(err)
			}
		}
		tr.expect(t, "accepts")
	})
}

// TestBlameKernelQueue: packets are lost between the gateway and the swarm, and the kernel has to send them again.
func TestBlameKernelQueue(t *testing.T) {
	inNamespace(t, func() {
		trial.Again(t, func(t testing.TB) {
			tr := newTrial(t, setup{flags: blameFlags(nil)})
			tr.wait(-blameLead)
			setUp(t, "lo", false)
			tr.wait(blameDelay)
			setUp(t, "lo", true)
			tr.expect(t, "kernel_queue")
		})
	})
}

// setUp switches an interface on or off.
func setUp(t testing.TB, name string, up bool) {
	t.Helper()
	if up {
		bringUp(t, name)
		return
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil { // without IFF_UP
		t.Fatalf("take down %s: %v", name, err)
	}
}

// TestFlightRecorder: a tick that misses the objective leaves the runtime's trace of the seconds before it, which Go's own tool can read; the next
// late one, within a minute, does not.
func TestFlightRecorder(t *testing.T) {
	t.Parallel()
	trial.Again(t, func(t testing.TB) {
		dir := filepath.Join(t.TempDir(), "flights")
		g := startGateway(t, setup{flags: map[string]string{
			"feed-interval": "1s", "workers": "2", "flight-recorder": dir, "objective": "400ms", "policy": "-",
		}})
		late := func() {
			tick := time.Now().Truncate(time.Second).Add(2 * time.Second)
			until(tick.Add(-blameLead))
			g.signal(t, syscall.SIGSTOP)
			until(tick.Add(600 * time.Millisecond))
			g.signal(t, syscall.SIGCONT)
		}
		late() // for nobody
		never(t, 400*time.Millisecond, "a trace of a tick that nobody got", func() bool { return len(flights(t, dir, "*")) > 0 })
		openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 2)
		for range 2 {
			late()
			eventually(t, patience, "trace of the supervisor", func() bool { return len(flights(t, dir, "supervisor")) > 0 })
		}
		names := flights(t, dir, "supervisor")
		if len(names) != 1 {
			t.Errorf("got %v, want one file a minute", names)
		}
		if log := g.log.String(); !strings.Contains(log, "passed_over=1") {
			t.Errorf("got no word of the tick for nobody in the log:\n%s", log)
		}
		if !strings.Contains(names[0], "late") {
			t.Errorf("got name %s, want it to say how late the tick was", names[0])
		}
		out, err := exec.Command("go", "tool", "trace", "-d=footprint", names[0]).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("go tool trace: %v\n%.500s", err, out)
		}
	})
}

// flights lists the complete files that a process has left.
func flights(t testing.TB, dir, process string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "flight-"+process+"_*.trace"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
