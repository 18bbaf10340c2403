package prefork_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tickgate/internal/prefork"
)

// fast are restarts that a test can wait for.
var fast = prefork.Backoff{Min: time.Millisecond, Max: 4 * time.Millisecond}

func TestRestart(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 2, Backoff: fast})
	crashed, other := s.Workers()[0], s.Workers()[1]
	before, untouched := crashed.Status(), other.Status()
	for n := 1; n <= 3; n++ {
		eventually(t, "worker is ready", func() bool { return crashed.Status().State == prefork.Ready })
		crash(crashed)
		eventually(t, "worker is started again", func() bool { return crashed.Status().Restarts == n })
	}
	eventually(t, "worker is ready again", func() bool { return crashed.Status().State == prefork.Ready })
	after := crashed.Status()
	if after.PID == before.PID || after.LastExit != "exit status 4" || !after.Since.After(before.Since) {
		t.Errorf("crashed worker: got %+v, want a new process after exit status 4", after)
	}
	if got, want := get(t, crashed, "/whoami"), fmt.Sprintf("0 %d ", after.PID); got != want {
		t.Errorf("the client after the restarts: got %q, want %q", got, want)
	}
	if got := other.Status(); got != untouched {
		t.Errorf("other worker: got %+v, want %+v", got, untouched)
	}
}

func TestKilledWorkerRestarts(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 1, Backoff: fast})
	w := s.Workers()[0]
	if err := syscall.Kill(w.Status().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "worker is back", func() bool {
		st := w.Status()
		return st.Restarts == 1 && st.State == prefork.Ready && st.LastExit == "signal: killed"
	})
}

func TestShutdown(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 3})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	for _, w := range s.Workers() {
		if st := w.Status(); st.State != prefork.Ended || st.PID != 0 || st.Restarts != 0 {
			t.Errorf("got %+v, want it ended and not restarted", st)
		}
		if _, err := w.Client().Get(prefork.BaseURL + "/whoami"); !errors.Is(err, prefork.ErrNotRunning) {
			t.Errorf("request after the end: got %v, want %v", err, prefork.ErrNotRunning)
		}
	}
}

func TestShutdownDeadline(t *testing.T) {
	s := ready(t, orders{Mode: "stubborn"}, prefork.Config{Workers: 2})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "worker 1: signal: killed") {
		t.Errorf("got %v, want the deadline and which workers were killed", err)
	}
}

// TestShutdownDuringStart ends workers that do not handle signals yet.
func TestShutdownDuringStart(t *testing.T) {
	s := start(t, orders{Mode: "unready"}, prefork.Config{Workers: 2})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestShutdownDuringBackoff(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 1, Backoff: prefork.Backoff{Min: time.Hour}})
	w := s.Workers()[0]
	crash(w)
	eventually(t, "worker waits for its restart", func() bool { return w.Status().State == prefork.Waiting })
	var exit *prefork.ExitError
	if err := s.Shutdown(t.Context()); !errors.As(err, &exit) || exit.ID != 0 {
		t.Errorf("got %v, want the exit of worker 0", err)
	}
}

func TestKillCutsShutdownShort(t *testing.T) {
	s := ready(t, orders{Mode: "stubborn"}, prefork.Config{Workers: 2})
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	select {
	case err := <-ended:
		t.Fatalf("before Kill: got %v, want a drain that goes on", err)
	case <-time.After(50 * time.Millisecond):
	}
	s.Kill()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "signal: killed") {
			t.Errorf("got %v, want killed workers", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Kill did not end the workers")
	}
}

func TestExtraFile(t *testing.T) {
	file, err := os.Open("child.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out strings.Builder
	s := ready(t, orders{Mode: "inherit"}, prefork.Config{
		Workers: 1, Once: true, Output: &out,
		Command: func(int) *exec.Cmd {
			cmd := prefork.Self()
			cmd.ExtraFiles = []*os.File{file}
			return cmd
		},
	})
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	if got := out.String(); !strings.Contains(got, "package prefork") {
		t.Errorf("got %q, want what is in the inherited file", got)
	}
}

// TestReadyAndGone: a worker that ends as soon as it has said that it is ready was ready.
func TestReadyAndGone(t *testing.T) {
	s := ready(t, orders{Mode: "once"}, prefork.Config{Workers: 20, Once: true})
	<-s.Done()
}

// TestEnded: the end of each process is told before the next one starts.
func TestEnded(t *testing.T) {
	var mu sync.Mutex
	var told []int
	running := 0
	s := ready(t, orders{}, prefork.Config{
		Workers: 1, Backoff: prefork.Backoff{Min: time.Millisecond},
		Settings: func(int) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			running++
			return orders{}, nil
		},
		Ended: func(id int) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, id)
			if running != len(told) {
				t.Errorf("got %d starts at end %d", running, len(told))
			}
		},
	})
	w := s.Workers()[0]
	crash(w)
	eventually(t, "worker is back", func() bool { st := w.Status(); return st.Restarts == 1 && st.State == prefork.Ready })
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || told[0] != 0 {
		t.Errorf("got ends of %v, want one of worker 0", told)
	}
}

func TestContextKills(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := prefork.Start(ctx, prefork.Config{
		Workers: 2, Output: io.Discard, Settings: func(int) (any, error) { return orders{Mode: "stubborn"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Wait(); err == nil {
		t.Error("got nil, want killed workers")
	}
}

func TestEarlyExit(t *testing.T) {
	var out strings.Builder
	s := start(t, orders{Mode: "early"}, prefork.Config{Workers: 2, Output: &out, Once: true})
	err := s.WaitReady(t.Context())
	var exit *prefork.ExitError
	var status *exec.ExitError
	if !errors.As(err, &exit) || !errors.As(err, &status) || status.ExitCode() != 3 {
		t.Errorf("got %v, want the worker and its status 3", err)
	}
	<-s.Done()
	if want := "worker 1: cannot listen\n"; !strings.Contains(out.String(), want) {
		t.Errorf("output: got %q, want it to contain %q", out.String(), want)
	}
}

func TestReadyTimeout(t *testing.T) {
	s := start(t, orders{Mode: "unready"}, prefork.Config{Workers: 1, ReadyTimeout: 20 * time.Millisecond, Backoff: fast})
	eventually(t, "a worker that does not get ready is started again", func() bool { return s.Workers()[0].Status().Restarts > 1 })
}

func TestWaitReadyCanceled(t *testing.T) {
	s := start(t, orders{Mode: "unready"}, prefork.Config{Workers: 1})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestOnce(t *testing.T) {
	var out strings.Builder
	s := start(t, orders{Mode: "once"}, prefork.Config{Workers: 3, Once: true, Output: &out})
	err := s.Wait()
	if err == nil || err.Error() != "worker 1: exit status 1\nworker 2: exit status 2" {
		t.Errorf("got %v, want the statuses of workers 1 and 2", err)
	}
	for id := range 3 {
		if want := fmt.Sprintf("worker %d: result %d\n", id, id); !strings.Contains(out.String(), want) {
			t.Errorf("output: got %q, want it to contain %q", out.String(), want)
		}
		if st := s.Workers()[id].Status(); st.State != prefork.Ended || st.Restarts != 0 {
			t.Errorf("got %+v, want it ended and not restarted", st)
		}
	}
}

func TestStartFails(t *testing.T) {
	before := countDescriptors()
	broken := errors.New("no settings")
	tests := []struct {
		name string
		cfg  prefork.Config
		want string
	}{
		{"no workers", prefork.Config{}, "want at least 1"},
		{"no such program", prefork.Config{Workers: 2, Command: func(int) *exec.Cmd { return exec.Command("/nowhere") }}, "start worker 0"},
		{"second worker", prefork.Config{Workers: 2, Settings: func(id int) (any, error) { return nil, []error{nil, broken}[id] }}, "start worker 1: no settings"},
		{"settings not JSON", prefork.Config{Workers: 1, Settings: func(int) (any, error) { return func() {}, nil }}, "encode settings"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Output = io.Discard
			if _, err := prefork.Start(t.Context(), tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	eventually(t, "all descriptors are closed", func() bool { return countDescriptors() <= before })
}

// TestSupervisorKilled kills a supervisor whose threads come and go: the workers survive the threads, but not the
// process, even if the kernel does not kill them.
func TestSupervisorKilled(t *testing.T) {
	for _, mode := range []string{"", "stubborn", "immortal"} {
		t.Run("mode "+mode, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), envRole+"="+mode)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pids := readPIDs(t, out)
			for _, pid := range pids {
				if !alive(pid) {
					t.Errorf("worker %d did not survive the end of a thread", pid)
				}
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed
			for _, pid := range pids {
				eventually(t, fmt.Sprintf("worker %d ends with its supervisor", pid), func() bool { return !alive(pid) })
			}
		})
	}
}

// readPIDs reads three numbers from the first line of r.
func readPIDs(t *testing.T, r io.Reader) []int {
	t.Helper()
	pids := make([]int, 3)
	for i := range pids {
		if _, err := fmt.Fscan(r, &pids[i]); err != nil {
			t.Fatalf("read the workers' ids: %v", err)
		}
	}
	return pids
}

func TestOwnProcessGroup(t *testing.T) {
	s := ready(t, orders{}, prefork.Config{Workers: 1})
	pid := s.Workers()[0].Status().PID
	group, err := syscall.Getpgid(pid)
	if err != nil || group != pid {
		t.Errorf("got process group %d, %v; want its own, %d, which a terminal's Ctrl-C does not reach", group, err, pid)
	}
}

func TestNoLeaks(t *testing.T) {
	before := countDescriptors()
	s := ready(t, orders{}, prefork.Config{Workers: 2, Backoff: fast})
	w := s.Workers()[0]
	running, inWorker := countDescriptors(), get(t, w, "/descriptors")
	for n := 1; n <= 5; n++ {
		crash(w)
		eventually(t, "worker is ready again", func() bool {
			st := w.Status()
			return st.Restarts == n && st.State == prefork.Ready
		})
	}
	if got := get(t, w, "/descriptors"); got != inWorker {
		t.Errorf("descriptors of a restarted worker: got %s, want %s", got, inWorker)
	}
	eventually(t, "descriptors of dead workers are closed", func() bool { return countDescriptors() <= running })
	pids := []int{w.Status().PID, s.Workers()[1].Status().PID}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	eventually(t, "all descriptors are closed", func() bool { return countDescriptors() <= before })
	for _, pid := range pids {
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
			t.Errorf("process %d is still there", pid)
		}
	}
}
