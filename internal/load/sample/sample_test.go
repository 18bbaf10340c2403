package sample

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDescendants(t *testing.T) {
	children := map[int][]int{1: {2, 3}, 2: {4}, 3: {5, 6}, 6: {7}}
	if got, want := descend([]int{1}, []int{3}, children), []int{1, 2, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := descend([]int{2, 1, 2}, nil, children), []int{1, 2, 3, 4, 5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFamily(t *testing.T) {
	parents := map[int]int{5: 2, 6: 2, 2: 1, 9: 0}
	if got, want := climb([]int{5, 6, 9}, func(pid int) int { return parents[pid] }), []int{1, 9}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	if got, want := Family([]int{child.Process.Pid}), []int{child.Process.Pid}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: this test is another program than sleep", got, want)
	}
}

func TestUsageOfThisProcessAndItsChild(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	p, err := NewProcesses(Fixed(os.Getpid()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p.PIDs(), child.Process.Pid) {
		t.Errorf("got %v, want it to contain the child %d", p.PIDs(), child.Process.Pid)
	}
	before := p.Detail()
	for deadline := time.Now().Add(time.Minute); p.Usage().CPU()-before.CPU() < 0.05; {
		if time.Now().After(deadline) {
			t.Fatalf("processor time stays at %v although this loop runs", p.Usage().CPU())
		}
	}
	if before.RSS < 1<<20 || before.PSS < 1<<20 || before.PSS > before.RSS || before.Processes < 2 {
		t.Errorf("got %+v, want megabytes and two processes", before)
	}
}

func TestCountersOutliveTheirProcess(t *testing.T) {
	spin := func() *exec.Cmd {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		return c
	}
	current := spin()
	p, err := NewProcesses(func() ([]int, error) { return []int{current.Process.Pid}, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	before := p.Detail()
	for ; before.CPU() < 0.05 && time.Now().Before(deadline); before = p.Detail() {
	}
	if err := current.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = current.Wait()
	current = spin()
	if err := p.Refresh(); err != nil {
		t.Fatal(err)
	}
	if got := p.PIDs(); !slices.Equal(got, []int{current.Process.Pid}) {
		t.Errorf("got %v, want the successor %d", got, current.Process.Pid)
	}
	after := p.Usage()
	if after.CPU() < before.CPU() || after.Processes != 1 || after.RSS > 16<<20 {
		t.Errorf("got %+v after %+v, want counters to grow and sizes of one process", after, before)
	}
}

func TestNoSuchProcess(t *testing.T) {
	if _, err := NewProcesses(Fixed(1<<30), nil); err == nil {
		t.Error("got no error for a process that does not exist")
	}
}

func TestListeners(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	if got, err := Listeners(port); err != nil || !slices.Equal(got, []int{os.Getpid()}) {
		t.Errorf("got %v, %v; want this process", got, err)
	}
	l.Close()
	if got, err := Listeners(port); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v; want nobody", got, err)
	}
}

func TestKernelAndMachine(t *testing.T) {
	if k := ReadKernel(); k.Slab == 0 || k.User == 0 {
		t.Errorf("got %+v, want slab and processor time", k)
	}
	if m := ReadMachine(); !strings.HasPrefix(m.Kernel, "Linux ") || m.CPUs == 0 || m.Memory == 0 {
		t.Errorf("got %+v, want kernel, processors and memory", m)
	}
}

func TestScrape(t *testing.T) {
	const page = `# HELP go_goroutines Number of goroutines.
# TYPE go_goroutines gauge
go_goroutines{worker="0"} 12
go_goroutines{worker="1",note="a } b {"} 1.5e1 1790000000000
process_cpu_seconds_total 3.25

broken line
`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, page)
	}))
	defer s.Close()
	got, err := Scrape(context.Background(), s.URL+"/metrics")
	if err != nil || got["go_goroutines"] != 27 || got["process_cpu_seconds_total"] != 3.25 {
		t.Errorf("got %v, %v; want the sum over workers", got, err)
	}
	if v, ok := got.First("absent", "process_cpu_seconds_total"); !ok || v != 3.25 {
		t.Errorf("got %v, %v; want 3.25", v, ok)
	}
	if _, err := Scrape(context.Background(), s.URL); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want the status", err)
	}
}
