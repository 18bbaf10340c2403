package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"tickgate/internal/load/report"
	"tickgate/internal/trial"
)

// output can be read while it is written to.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// result is what a finished swarm has left.
type result struct {
	code           int
	stdout, stderr string
	report         *report.Report // nil without one
}

// swarm runs with args and a JSON file.
func swarm(t testing.TB, args ...string) result {
	t.Helper()
	var stdout, stderr output
	file := filepath.Join(t.TempDir(), "report.json")
	code := run(t.Context(), append([]string{"--json", file, "--pid=none"}, args...), &stdout, &stderr)
	return finish(t, code, &stdout, &stderr, file)
}

func finish(t testing.TB, code int, stdout, stderr *output, file string) result {
	t.Helper()
	res := result{code: code, stdout: stdout.String(), stderr: stderr.String()}
	if b, err := os.ReadFile(file); err == nil {
		res.report = new(report.Report)
		if err := json.Unmarshal(b, res.report); err != nil {
			t.Errorf("the report is not JSON: %v", err)
		}
	}
	if all := res.stdout + res.stderr; strings.Contains(all, "goroutine ") || strings.Contains(all, "panic") {
		t.Errorf("got a stack trace:\n%s", all)
	}
	return res
}

func TestReport(t *testing.T) {
	t.Parallel()
	const page = "go_memstats_heap_alloc_bytes 1e6\ngo_gc_cycles_total_gc_cycles_total 7\nprocess_cpu_seconds_total 1.5\n"
	f := newFeed(t, 50*time.Millisecond, func(f *feed) { f.metrics = page })
	for _, processes := range []string{"1", "3"} {
		t.Run(processes, func(t *testing.T) {
			got := swarm(t, "--conns=40", "--ticks=5", "--timeout=5m", "--processes", processes, "--admin", f.URL,
				"--assert=loss=0,duplicates=0,reordered=0,conflated=0,connected=40,p99<10m,ticks>=5,failures=0", f.URL)
			if got.code != exitOK || got.report == nil {
				t.Fatalf("got code %d\n%s%s", got.code, got.stdout, got.stderr)
			}
			r := got.report
			if r.Schema != report.Schema || r.Plan.Processes != mustInt(t, processes) || r.Phases.Stopped != stoppedByTicks {
				t.Errorf("got schema %q, %d processes, %q", r.Schema, r.Plan.Processes, r.Phases.Stopped)
			}
			if len(r.Transports) != 2 || r.Transports[0].Connected != 28 || r.Transports[1].Connected != 12 {
				t.Errorf("got transports %+v, want 28 and 12", r.Transports)
			}
			if r.Latency.Count < 40*5 || r.Latency.P99 <= 0 || r.Ticks.Fewest != 40 || r.Ticks.Behind != 0 {
				t.Errorf("got latency %+v, ticks %+v; want 5 ticks to 40 clients", r.Latency, r.Ticks)
			}
			if r.Gateway == nil || r.Gateway.HeapAfter != 1e6 || len(r.Asserts) != 8 || r.Environment.Kernel == "" {
				t.Errorf("got gateway %+v, asserts %v, environment %+v", r.Gateway, r.Asserts, r.Environment)
			}
			for _, want := range []string{"40 of 40 (ws 28, sse 12)", "lost", "p99.9", "verdict", "p99<10m"} {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("the table lacks %q:\n%s", want, got.stdout)
				}
			}
		})
	}
}

func mustInt(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSkippedMessages(t *testing.T) {
	t.Parallel()
	f := newFeed(t, 20*time.Millisecond, func(f *feed) { f.skip = 5 })
	lossy := swarm(t, "--conns=5", "--ticks=20", "--policy=all", "--assert=loss=0", f.URL+"/sse")
	if lossy.code != exitFailed || lossy.report.Messages.Lost == 0 || !strings.Contains(lossy.stderr, "assertion failed: loss=0 (got ") {
		t.Errorf("policy all: got code %d, %+v\n%s", lossy.code, lossy.report.Messages, lossy.stderr)
	}
	conflating := swarm(t, "--conns=5", "--ticks=20", "--assert=loss=0", f.URL+"/sse")
	if m := conflating.report.Messages; conflating.code != exitOK || m.Lost != 0 || m.Conflated == 0 {
		t.Errorf("policy latest: got code %d, %+v\n%s", conflating.code, m, conflating.stderr)
	}
}

func TestBadTargets(t *testing.T) {
	f := newFeed(t, time.Second)
	tests := []struct{ name, arg, want string }{
		{"refused", "http://127.0.0.1:1", "nobody listens on"},
		{"a page", f.URL + "/page", `content type is "text/html", want text/event-stream: "<h1>hello</h1>"`},
		{"not found", f.URL + "/nothing", `answered 404 Not Found: "404 page not found\n"`},
		{"no upgrade", strings.Replace(f.URL, "http", "ws", 1) + "/page", `answered 200 OK: "<h1>hello</h1>"; this path is not a WebSocket`},
		{"unknown host", "http://nowhere.invalid", "look up host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := swarm(t, "--conns=2", tt.arg)
			if got.code != exitFailed || !strings.Contains(got.stderr, tt.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got code %d and\n%swant one line with %q", got.code, got.stderr, tt.want)
			}
		})
	}
	for _, args := range [][]string{{"--admin=" + f.URL + "/nothing"}, {"--pid=1073741824"}, {"--source=192.0.2.1"}} {
		got := swarm(t, append(args, "--conns=2", f.URL)...)
		if got.code != exitFailed || !strings.Contains(got.stderr, strings.SplitN(args[0], "=", 2)[0]) {
			t.Errorf("%v: got code %d and\n%swant it to name the flag", args, got.code, got.stderr)
		}
	}
}

// background starts a swarm that holds until it is stopped.
func background(t *testing.T, args ...string) (wait func() result, stderr *output) {
	t.Helper()
	var stdout output
	stderr = new(output)
	file := filepath.Join(t.TempDir(), "report.json")
	done := make(chan int, 1)
	go func() {
		done <- run(context.Background(), append([]string{"--json", file, "--pid=none", "--hold=0s"}, args...), &stdout, stderr)
	}()
	return func() result {
		t.Helper()
		select {
		case code := <-done:
			return finish(t, code, &stdout, stderr, file)
		case <-time.After(2 * time.Minute):
			t.Fatalf("the swarm does not end\n%s", stderr)
			return result{}
		}
	}, stderr
}

func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func raise(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptReportsAndTheSecondEnds(t *testing.T) {
	f := newFeed(t, 30*time.Millisecond)
	wait, stderr := background(t, "--conns=10", f.URL)
	await(t, "holding", func() bool { return strings.Contains(stderr.String(), "10/10 connected") })
	raise(t, os.Getpid(), syscall.SIGINT)
	if got := wait(); got.code != exitOK || got.report == nil || got.report.Phases.Stopped != stoppedByUser {
		t.Errorf("after one SIGINT: got code %d, report %v\n%s", got.code, got.report, got.stderr)
	}

	stalling := newFeed(t, 30*time.Millisecond, func(f *feed) { f.stall = 3 })
	wait, stderr = background(t, "--conns=10", "--settle=1h", "--progress=line", stalling.URL)
	await(t, "holding", func() bool { return strings.Contains(stderr.String(), "hold") })
	raise(t, os.Getpid(), syscall.SIGINT)
	await(t, "settling", func() bool { return strings.Contains(stderr.String(), "settle") })
	raise(t, os.Getpid(), syscall.SIGINT)
	if got := wait(); got.code != exitForced {
		t.Errorf("after two SIGINTs: got code %d, want %d\n%s", got.code, exitForced, got.stderr)
	}
}

func TestKilledClientProcessIsTold(t *testing.T) {
	f := newFeed(t, 30*time.Millisecond)
	wait, stderr := background(t, "--conns=10", "--processes=2", f.URL)
	await(t, "holding", func() bool { return strings.Contains(stderr.String(), "10/10 connected") })
	raise(t, childOf(t, os.Getpid()), syscall.SIGKILL)
	got := wait()
	if got.code != exitFailed || !strings.Contains(got.stderr, "client process") || got.report == nil {
		t.Errorf("got code %d\n%s", got.code, got.stderr)
	}
	if got.report != nil && got.report.Connections.Connected != 5 {
		t.Errorf("got %d connected, want the 5 of the other process", got.report.Connections.Connected)
	}
}

func childOf(t *testing.T, parent int) int {
	t.Helper()
	all, err := procfs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if stat, err := p.Stat(); err == nil && stat.PPID == parent && stat.State != "Z" {
			return p.PID
		}
	}
	t.Fatal("the swarm has no client process")
	return 0
}

func TestSlowAndChurn(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 1500*time.Millisecond, func(t testing.TB, hold time.Duration) {
		f := newFeed(t, 20*time.Millisecond)
		got := swarm(t, "--conns=20", "--slow=4", "--churn=4", "--timeout=5m", "--hold="+hold.String(), "--assert=loss=0,duplicates=0,disconnects=0,failures=0", f.URL)
		if got.code != exitOK || got.report.Connections.Left == 0 || got.report.Ticks.ExpectedBy > 16 {
			t.Errorf("got code %d, %+v\n%s", got.code, got.report.Connections, got.stderr)
		}
	})
}

func TestStalledClientsAreLoss(t *testing.T) {
	t.Parallel()
	trial.Grow(t, 300*time.Millisecond, func(t testing.TB, unit time.Duration) {
		f := newFeed(t, 20*time.Millisecond, func(f *feed) { f.stall = 3 })
		got := swarm(t, "--conns=10", "--hold="+(2*unit).String(), "--settle="+unit.String(), "--assert=loss=0", f.URL)
		if got.code != exitFailed || got.report.Messages.Lost != 5 || got.report.Ticks.Behind != 5 {
			t.Errorf("got code %d, %+v, %+v; want 5 clients behind\n%s", got.code, got.report.Messages, got.report.Ticks, got.stderr)
		}
	})
}

func TestShortfallNamesTheReasonAndTheRemedy(t *testing.T) {
	t.Parallel()
	r := &report.Report{
		Plan: report.Plan{Planned: 10},
		Connections: report.Connections{
			AfterRamp: 7, Failures: map[string]int64{"refused": 1, "no_ports": 5},
			Examples: []string{"refused: ws://h: refused", "no_ports: ws://h: no ports; widen the range"},
		},
	}
	err := shortfall(r)
	if want := "only 7 of 10 clients got connected; 5 x no_ports: ws://h: no ports; widen the range"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	r.Phases.Stopped = stoppedByUser
	if err := shortfall(r); err != nil {
		t.Errorf("got %v, want nothing: the user did not want to wait", err)
	}
}
