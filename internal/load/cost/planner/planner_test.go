package planner

import (
	"math"
	"strings"
	"testing"

	"tickgate/internal/limits"
	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
	"tickgate/internal/load/sample"
)

// world is what a simulated server costs.
const (
	text       = 15e6 // shared by all processes
	supervisor = 13e6
	worker     = 6e6
	perConn    = 250.0
	perEnd     = 4000.0
	perMessage = 5e-6
)

// simulated is the report of a run of n connections in so many workers, below a supervisor.
func simulated(n, workers int) *report.Report {
	c := &cost.Cost{Ends: 2, Swarm: workers + 1}
	processes := float64(workers + 1)
	add := func(top bool, own float64) {
		c.Processes = append(c.Processes, cost.Process{PID: len(c.Processes) + 1, Top: top, After: int64(own + text/processes), Own: int64(own)})
	}
	add(true, supervisor)
	for range workers {
		add(false, worker+perConn*float64(n)/float64(workers))
	}
	line := func(name string, side cost.Side, each, fixed float64) {
		c.Lines = append(c.Lines, cost.Line{Name: name, Side: side, BytesPerConn: each, Low: each * 0.9, High: each * 1.1, Fixed: fixed, Points: 50, Known: true})
	}
	line(cost.PSS, cost.User, perConn, text+supervisor+worker*float64(workers))
	line(cost.Live, cost.User, 100, 1e6*processes)
	line(cost.Objects, cost.Kernel, 2*perEnd, 5e7)
	line(cost.Clients, cost.Swarm, 300, 8e6*processes)
	for i := range 5 {
		x := n * i / 4
		c.Samples = append(c.Samples, cost.Sample{Conns: x, Sockets: 2*x + 100, Bytes: map[string]int64{cost.Objects: 5e7 + int64(2*perEnd*float64(x))}})
	}
	return &report.Report{
		Schema: report.Schema, Environment: report.Environment{Machine: sample.Machine{CPUs: 2}}, Phases: report.Phases{Ramp: 10, Hold: 30},
		Connections: report.Connections{Connected: n}, Messages: report.Messages{PerSecond: float64(n)}, Cost: c,
		Server: &report.Server{Cores: perMessage*float64(n) + idleProcess*processes}, Swarm: report.Swarm{Cores: 3e-6*float64(n) + idleProcess*processes},
	}
}

// machine has two processors, 24 GiB and 20,000 descriptors for a process.
func machine() *limits.Snapshot {
	return &limits.Snapshot{
		CPUs: 2, Files: limits.Files{Soft: 20_000, Hard: 20_000, NrOpen: 1 << 20, Max: 1 << 40, Watches: 1 << 30},
		Memory: limits.Memory{Total: 24 << 30, Available: 23 << 30, Limit: limits.Unlimited},
	}
}

func planner(t *testing.T, run *report.Report, m *limits.Snapshot) *Planner {
	t.Helper()
	p, err := New(run, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProcessesAreNotAPartOfTheSlope(t *testing.T) {
	p := planner(t, simulated(20_000, 2), machine())
	for _, n := range []int{20_000, 60_000, 100_000, 1_000_000} {
		d := p.Predict(n)
		want := text + supervisor + worker*float64(d.Workers) + perConn*float64(n)
		if math.Abs(d.User.Value-want) > 1e-6*want || d.User.Low >= want || d.User.High <= want {
			t.Errorf("%d connections in %d workers: got %.0f bytes [%.0f, %.0f], want %.0f", n, d.Workers, d.User.Value, d.User.Low, d.User.High, want)
		}
		cpu := perMessage*float64(n)*dearer(n) + idleProcess*float64(d.Workers+1)
		if d.End.Value != perEnd*float64(n) || math.Abs(d.Cores.Value-cpu) > 1e-9 || d.Cores.Low >= cpu || d.Cores.High <= cpu {
			t.Errorf("%d connections: got %+v of kernel for each side and %+v cores", n, d.End, d.Cores)
		}
		if least := int(math.Ceil(float64(n) / (20_000 - limits.ReserveFiles))); d.Workers < least || d.Workers > least+least/10+1 || d.Clients != least {
			t.Errorf("%d connections: got %d workers and %d clients, want some %d", n, d.Workers, d.Clients, least)
		}
	}
	if d, want := p.Predict(100_000), 250*dearer(100_000); math.Abs(d.Pass.Value-want) > 1 {
		t.Errorf("got %+v for a pass of 100,000 sends of some 5 µs on two processors, want %.0f ms", d.Pass, want)
	}
}

// dearer is what a message to one of n connections costs, as a multiple of one to 20,000.
func dearer(n int) float64 { return 1 + doubling().Value*math.Log2(float64(n)/20_000) }

func TestSingleProcess(t *testing.T) {
	run := simulated(15_000, 1)
	own := int64(text + supervisor + worker + perConn*15_000)
	run.Cost.Processes = []cost.Process{{PID: 1, Top: true, Before: text + supervisor, After: own, Own: own - 1000}}
	p := planner(t, run, machine())
	if got := p.user.at(15_000, 1).Value; math.Abs(got-float64(own)) > 1 {
		t.Errorf("got %.0f bytes for the run itself, want the %d measured", got, own)
	}
	one, two := p.user.at(30_000, 1), p.user.at(30_000, 2)
	if two.Value-one.Value < emptyWorker || two.High-two.Low <= one.High-one.Low {
		t.Errorf("got %+v for one process and %+v for two, want the second to cost, and to be less sure", one, two)
	}
	if !strings.Contains(strings.Join(p.Notes(), "\n"), "assumed") {
		t.Errorf("got notes %q, want that workers are assumed", p.Notes())
	}
}

func TestWalls(t *testing.T) {
	wide := func() *limits.Snapshot { m := machine(); m.CPUs = 1000; return m }
	tests := []struct {
		name    string
		machine *limits.Snapshot
		want    string
		holds   float64 // for the server alone
	}{
		{"processors", machine(), "cpu", 0.8 * 2 / perMessage / dearer(280_000)},
		{"memory", wide(), "memory", float64(23<<30) / (perEnd*1.15 + perConn*1.1 + (worker+2e6)/19_744)},
		{"files", func() *limits.Snapshot { m := wide(); m.Files.Max = 50_000; return m }(), "fs.file-max", 49_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := planner(t, simulated(20_000, 2), tt.machine)
			w := p.Predict(30_000).Walls
			if len(w) != 2 || w[0].Name != tt.want || math.Abs(float64(w[0].Holds)-tt.holds) > 0.05*tt.holds || !w[0].Fits || w[0].For != "gateway" {
				t.Errorf("got %+v, want %s at %.0f", w, tt.want, tt.holds)
			}
			if w[1].For != "both" || w[1].Holds >= w[0].Holds {
				t.Errorf("got %+v for both sides, want less than for the server alone", w[1])
			}
			if ratio := float64(w[0].Holds) / float64(w[1].Holds); tt.name == "memory" && (ratio < 1.9 || ratio > 2.3) {
				t.Errorf("got %+v, want both sides to take twice as much of the kernel", w)
			}
			if far := p.Predict(maxFar).Walls[0]; far.Fits {
				t.Errorf("got %+v, want that %d do not fit", far, maxFar)
			}
		})
	}
}

// maxFar is more than the machines of the tests hold.
const maxFar = 50_000_000

func TestCompare(t *testing.T) {
	p := planner(t, simulated(20_000, 2), machine())
	all, err := p.Compare(simulated(100_000, 6))
	if err != nil || len(all) != 4 {
		t.Fatalf("got %+v, %v", all, err)
	}
	for _, c := range all {
		want := 0.0
		if c.Unit == UnitCores { // the simulated caches hold everything
			want = 100 * (dearer(100_000) - 1)
		}
		if !c.Inside || math.Abs(c.Error-want) > 1 {
			t.Errorf("got %+v, want a prediction that is off by %.0f %%", c, want)
		}
	}
	wrong := simulated(100_000, 6)
	wrong.Server.Cores *= 2
	for i := range wrong.Cost.Processes {
		wrong.Cost.Processes[i].After *= 2
	}
	all, _ = p.Compare(wrong)
	if user, cpu := all[0], all[2]; user.Inside || cpu.Inside || math.Abs(user.Error+50) > 2 || math.Abs(cpu.Error+45) > 2 {
		t.Errorf("got %+v and %+v, want both to be half of what was measured", user, cpu)
	}
}

func TestReportsThatLackSomething(t *testing.T) {
	for name, spoil := range map[string]func(*report.Report){
		"no memory":  func(r *report.Report) { r.Cost = nil },
		"no server":  func(r *report.Report) { r.Server = nil },
		"messages":   func(r *report.Report) { r.Messages.PerSecond = 0 },
		"no slope":   func(r *report.Report) { r.Cost.Line(cost.PSS).Known = false },
		"not sample": func(r *report.Report) { r.Cost.Lines = nil },
	} {
		run := simulated(20_000, 2)
		spoil(run)
		want, _, _ := strings.Cut(name, " ")
		if _, err := New(run, machine()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that says so", name, err)
		}
	}
	p := planner(t, simulated(20_000, 2), machine())
	if _, err := p.Compare(&report.Report{}); err == nil {
		t.Error("an empty report can be compared with")
	}
}

// TestSmallRun: what a run is too small for is said before any other note.
func TestSmallRun(t *testing.T) {
	for n, want := range map[int]bool{5_000: true, 10_000: false} {
		notes := planner(t, simulated(n, 2), machine()).Notes()
		if got := strings.Contains(notes[0], "the run had only"); got != want {
			t.Errorf("%d connections: got notes %q", n, notes)
		}
	}
}

func TestText(t *testing.T) {
	p := planner(t, simulated(20_000, 2), machine())
	against, err := p.Compare(simulated(100_000, 6))
	if err != nil {
		t.Fatal(err)
	}
	plan := Plan{From: p.From(), Predictions: []Prediction{p.Predict(100_000)}, Against: against, Notes: []string{"a note"}}
	var text, doc strings.Builder
	if plan.WriteText(&text) != nil || plan.WriteJSON(&doc) != nil {
		t.Fatal("not written")
	}
	for _, want := range []string{"from 20,000 connections", "100,000 CONNECTIONS", "6 workers, 101,536 descriptors", "first wall, server alone", "inside", "a note"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("got no %q in:\n%s", want, text.String())
		}
	}
	if !strings.Contains(doc.String(), `"error_percent"`) {
		t.Errorf("got %s", doc.String())
	}
}
