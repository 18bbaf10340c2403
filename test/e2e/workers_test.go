package e2e

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/pprof/profile"
)

// TestWorkerCrash kills one of two workers: its clients lose their connection, come back with their last id and miss nothing; the others notice
// nothing; the worker is replaced and counted.
func TestWorkerCrash(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1"}})
	before := g.workers()
	if len(before) != 2 {
		t.Fatalf("got %d worker processes, want 2", len(before))
	}
	url := "http://" + g.Addr + "/sse"
	var streams []*sse
	for range 40 {
		streams = append(streams, openSSE(t, url, nil))
	}
	for _, s := range streams {
		s.wait(t, 3)
	}
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	lost := awaitLoss(t, before[0], streams)
	for _, s := range streams {
		comeBack(t, url, s)
	}
	t.Logf("%d of %d clients and more were on the killed worker", lost, len(streams))
	eventually(t, patience, "second worker after the crash", func() bool {
		now := g.workers()
		return len(now) == 2 && !slices.Contains(now, before[0]) && slices.Contains(now, before[1])
	})
	eventually(t, patience, "one counted restart", func() bool {
		return sum(g.scrape(t), "tickgate_worker_restarts_total") == 1
	})
}

// TestWorkerHang stops one of two workers without ending it: the gateway is not ready, the worker is killed, replaced and counted.
func TestWorkerHang(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1"}})
	hung := g.workers()[0]
	if err := syscall.Kill(hung, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "gateway that is not ready", func() bool {
		resp, err := http.Get("http://" + g.Admin + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode == http.StatusServiceUnavailable
	})
	eventually(t, patience, "another worker in its place", func() bool {
		now := g.workers()
		return len(now) == 2 && !slices.Contains(now, hung)
	})
	eventually(t, patience, "a counted restart", func() bool {
		return sum(g.scrape(t), "tickgate_worker_restarts_total") >= 1
	})
}

// awaitLoss waits until the process is gone and counts the streams that ended with it.
func awaitLoss(t testing.TB, pid int, streams []*sse) int {
	t.Helper()
	eventually(t, patience, "end of the killed worker", func() bool { return !alive(pid) })
	lost := 0
	eventually(t, patience, "end of some client's stream", func() bool {
		lost = 0
		for _, s := range streams {
			if over, _ := s.ended(); over {
				lost++
			}
		}
		return lost > 0 // others may follow; comeBack looks again
	})
	if lost == len(streams) {
		t.Errorf("got %d of %d streams ended, want those of one worker of two", lost, len(streams))
	}
	return lost
}

// comeBack lets a stream that was lost resume as a browser does, and checks that the two parts fit.
func comeBack(t testing.TB, url string, s *sse) {
	t.Helper()
	parts := s.seen()
	if over, _ := s.ended(); over {
		header := http.Header{"Last-Event-ID": {parts[len(parts)-1].id}}
		again := openSSE(t, url, header)
		parts = append(parts, again.wait(t, 5)...)
	}
	checkIDs(t, parts)
}

// TestSupervisorCrash kills the supervisor, which owns the embedded bus: its workers end with it and free the port.
func TestSupervisorCrash(t *testing.T) {
	t.Parallel()
	g := startGateway(t, setup{flags: map[string]string{"workers": "2"}})
	workers := g.workers()
	if len(workers) != 2 {
		t.Fatalf("got %d worker processes, want 2", len(workers))
	}
	s := openSSE(t, "http://"+g.Addr+"/sse", nil)
	s.wait(t, 1)
	g.kill(t)
	eventually(t, patience, "end of all workers", func() bool { return !slices.ContainsFunc(workers, alive) })
	eventually(t, patience, "end of the client's stream", func() bool { over, _ := s.ended(); return over })
	// A process is a zombie once its first thread is; the others may hold the sockets a moment longer.
	eventually(t, patience, "free port", func() bool {
		listener, err := net.Listen("tcp", g.Addr)
		if err != nil {
			return false
		}
		return listener.Close() == nil
	})
}

// TestOneFace compares the private listener of one process with that of a supervisor with two workers: the same pages, with nothing missing.
func TestOneFace(t *testing.T) {
	t.Parallel()
	single := startGateway(t, setup{})
	multi := startGateway(t, setup{flags: map[string]string{"workers": "2", "loops": "1"}})
	for _, g := range []*gateway{single, multi} {
		for range 8 {
			openSSE(t, "http://"+g.Addr+"/sse", nil).wait(t, 2)
			openWS(t, "ws://"+g.Addr+"/ws").wait(t, 2)
		}
	}
	one, two := names(single.scrape(t)), multi.scrape(t)
	for name := range one {
		if !names(two)[name] {
			t.Errorf("metric %s is missing with two workers", name)
		}
	}
	for _, g := range []*gateway{single, multi} {
		samples := g.scrape(t)
		for _, transport := range []string{"sse", "ws"} {
			if got := sum(samples, "tickgate_connections", fmt.Sprintf("transport=%q", transport), `state="open"`); got != 8 {
				t.Errorf("tickgate_connections{transport=%q,state=open}: got %v, want 8", transport, got)
			}
		}
	}
	workers := map[string]bool{}
	for _, s := range two {
		if _, after, ok := strings.Cut(s.labels, `worker="`); ok {
			name, _, _ := strings.Cut(after, `"`)
			workers[name] = true
		}
	}
	if len(workers) < 2 {
		t.Errorf("got worker labels %v, want one for each worker", workers)
	}
	for _, g := range []*gateway{single, multi} {
		for _, path := range []string{"heap", "allocs", "goroutine", "threadcreate", "block", "mutex", "profile?seconds=1"} {
			checkProfile(t, "http://"+g.Admin+"/debug/pprof/"+path)
		}
		for _, path := range []string{"/debug/pprof/", "/healthz", "/readyz"} {
			fetch(t, "http://"+g.Admin+path)
		}
	}
	for name := range workers {
		checkProfile(t, "http://"+multi.Admin+"/debug/pprof/worker/"+name+"/heap")
		fetch(t, "http://"+multi.Admin+"/debug/pprof/worker/"+name+"/cmdline")
	}
}

// checkProfile checks that a URL answers with a valid profile.
func checkProfile(t testing.TB, url string) {
	t.Helper()
	p, err := profile.ParseData([]byte(fetch(t, url)))
	if err != nil {
		t.Errorf("%s: got %v, want a profile", url, err)
		return
	}
	if err := p.CheckValid(); err != nil {
		t.Errorf("%s: %v", url, err)
	}
}
