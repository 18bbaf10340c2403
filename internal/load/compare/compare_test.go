package compare

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/report"
	"tickgate/internal/load/sample"
)

// run is a report of a minute's hold with these latencies.
func run(p99 func(second int) float64) *report.Report {
	r := &report.Report{
		Schema: report.Schema,
		Environment: report.Environment{
			Machine: sample.Machine{Kernel: "Linux 6.18", CPU: "x", CPUs: 2},
			System:  sample.System{Watched: 10},
			Programs: []sample.Program{{
				PIDs: []int{7}, Command: []string{"gateway", "--listen", ":8080"},
			}},
		},
		Plan:        report.Plan{Planned: 1000, Requested: 1000, Policy: "latest"},
		Phases:      report.Phases{HoldFrom: 5, HoldTo: 65},
		Connections: report.Connections{Connected: 1000, AfterRamp: 1000},
		Messages:    report.Messages{Received: 60000},
		Latency:     report.Quantiles{Count: 60000, P99: 100},
		Split:       report.Split{Idle: 1},
		Server:      &report.Server{User: 1},
		Cost:        &cost.Cost{Lines: []cost.Line{{Name: cost.PSS, Known: true, BytesPerConn: 200, Low: 190, High: 210}}},
	}
	for s := range 70 {
		v := p99(s)
		r.Series = append(r.Series, report.Point{At: float64(s), Messages: 1000, P50: v / 2, P99: v, Max: v, Server: 0.5})
	}
	return r
}

func noisy(seed uint64, level float64) func(int) float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	return func(int) float64 { return level * (1 + 0.1*r.NormFloat64()) }
}

func find(t *testing.T, c *Comparison, name string, basis Basis) Metric {
	t.Helper()
	for _, m := range c.Metrics {
		if m.Name == name && m.Basis == basis {
			return m
		}
	}
	t.Fatalf("got no %s, %s", name, basis)
	return Metric{}
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name string
		b    *report.Report
		want Verdict
	}{
		{"the same load", run(noisy(2, 100)), Noise},
		{"slower by a quarter", run(noisy(3, 125)), Differs},
		{"faster by a quarter", run(noisy(4, 75)), Differs},
	}
	for _, tt := range tests {
		c := Compare(run(noisy(1, 100)), tt.b, "a", "b")
		m := find(t, c, "p99 latency", MedianSecond)
		if m.Verdict != tt.want || *m.Low > *m.Change || *m.High < *m.Change {
			t.Errorf("%s: got %s with %.3f in [%.3f, %.3f], want %s", tt.name, m.Verdict, *m.Change, *m.Low, *m.High, tt.want)
		}
		if len(c.Warnings)+len(c.Differences) > 0 || !c.Comparable {
			t.Errorf("%s: got warnings %q and differences %v, want none", tt.name, c.Warnings, c.Differences)
		}
		if one := find(t, c, "p99 latency", WholeRun); one.Verdict != Same || one.Low != nil {
			t.Errorf("%s: got %+v of one number, want no interval", tt.name, one)
		}
	}
}

// TestNoiseIsRarelyADifference: of pairs of runs that differ by chance alone, few are told apart, even if a slow second is followed by others.
func TestNoiseIsRarelyADifference(t *testing.T) {
	drifting := func(seed uint64) []float64 {
		r := rand.New(rand.NewPCG(seed, 9))
		values, last := make([]float64, 60), 0.0
		for i := range values {
			last = 0.5*last + r.NormFloat64()
			values[i] = 100 + 10*last
		}
		return values
	}
	differ := 0
	const pairs = 200
	for i := range uint64(pairs) {
		if _, in, _ := change(drifting(2*i), drifting(2*i+1), median); in.low > 0 || in.high < 0 {
			differ++
		}
	}
	// 5 % are promised of long runs. In a minute whose seconds remember half of the one before it is 9 %; with the seconds drawn one by one, 18 %.
	if share := float64(differ) / pairs; share > 0.13 {
		t.Errorf("got %.0f %% of equal pairs told apart, want at most 13 %%", 100*share)
	}
}

func TestFewSeconds(t *testing.T) {
	few := []float64{1, 2, 3, 4, 5}
	if _, _, ok := change(few, few, median); ok {
		t.Error("got an interval of 5 seconds, want none")
	}
	if _, _, ok := change(make([]float64, 60), make([]float64, 60), mean); ok {
		t.Error("got a change from zero, want none")
	}
}

func TestNotComparable(t *testing.T) {
	tests := []struct {
		name   string
		change func(*report.Report)
		want   string
	}{
		{"connections", func(r *report.Report) { r.Plan.Planned = 2000; r.Connections.AfterRamp = 2000 }, "connections planned: A has 1,000, B has 2,000"},
		{"kernel", func(r *report.Report) { r.Environment.Kernel = "Linux 7.0" }, "kernel: A has Linux 6.18, B has Linux 7.0"},
		{"machine", func(r *report.Report) { r.Environment.Host = "other" }, "host"},
		{"processors", func(r *report.Report) { r.Environment.CPUs = 64 }, "processors"},
	}
	for _, tt := range tests {
		b := run(noisy(2, 300))
		tt.change(b)
		c := Compare(run(noisy(1, 100)), b, "a", "b")
		if c.Comparable || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, c.Warnings, tt.want)
		}
		if m := find(t, c, "p99 latency", MedianSecond); m.Better != neither {
			t.Errorf("%s: got a p99 that is better %s, want neither: nothing is worse than what cannot be compared", tt.name, m.Better)
		}
	}
}

func TestDifferencesAndDoubts(t *testing.T) {
	a, b := run(noisy(1, 100)), run(noisy(2, 100))
	b.Environment.Programs[0].Command = []string{"gateway", "--listen", ":8080", "--sndbuf", "32768"}
	b.Environment.Sysctls = []sample.Sysctl{{Name: "net.core.somaxconn", Value: "65535", Default: "4096"}}
	b.Split.Idle = 0.5
	b.Connections.Disconnects = 3
	b.Cost.Lines[0] = cost.Line{Name: cost.PSS, Known: true, BytesPerConn: 300, Low: 280, High: 320}
	c := Compare(a, b, "a.json", "b.json")
	want := []Difference{{"server's command has", "", "--sndbuf 32768"}, {"net.core.somaxconn", "the kernel's default", "65535"}}
	if !c.Comparable || !slices.Equal(c.Differences, want) {
		t.Errorf("got %+v, comparable %v, want %+v", c.Differences, c.Comparable, want)
	}
	if len(c.Warnings) != 2 {
		t.Errorf("got %q, want broken connections and other programs", c.Warnings)
	}
	if m := find(t, c, "server memory", RampSlope); m.Verdict != Differs {
		t.Errorf("got %s of slopes that do not overlap, want that they differ", m.Verdict)
	}
	var text, document strings.Builder
	if err := c.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"b.json", "--sndbuf 32768", "p99 latency, median second", "lab", "+50.0 %"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("got no %q in\n%s", want, text.String())
		}
	}
	if err := c.WriteJSON(&document); err != nil {
		t.Fatal(err)
	}
	var back Comparison
	if err := json.Unmarshal([]byte(document.String()), &back); err != nil || back.Schema != Schema || len(back.Metrics) != len(c.Metrics) {
		t.Errorf("got %v, %+v, want what was written", err, back)
	}
}

// TestIdleSecondsCount: a server that works in every other second only takes half of what it takes then; one that was not
// sampled takes nobody knows what.
func TestIdleSecondsCount(t *testing.T) {
	a, b := run(noisy(1, 100)), run(noisy(2, 100))
	for i := range b.Series {
		if i%2 == 0 {
			b.Series[i].Server = 0
		}
	}
	if m := find(t, Compare(a, b, "a", "b"), "server cores", MeanSecond); math.Abs(m.A-0.5) > 1e-9 || math.Abs(m.B-0.25) > 1e-9 || m.Verdict != Differs {
		t.Errorf("got %v and %v, %s; want 0.5 and 0.25, that differ", m.A, m.B, m.Verdict)
	}
	b.Server = nil
	for _, m := range Compare(a, b, "a", "b").Metrics {
		if strings.HasPrefix(m.Name, "server C") || strings.HasPrefix(m.Name, "server c") {
			t.Errorf("got %s of a server that was not sampled", m.Name)
		}
	}
}

// TestCaveatComesFirst: what one pair cannot say is read before any number.
func TestCaveatComesFirst(t *testing.T) {
	var text strings.Builder
	if err := Compare(run(noisy(1, 100)), run(noisy(2, 75)), "a.json", "b.json").WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); !strings.HasPrefix(got, "! One pair of runs") || strings.Contains(got, "worse") || strings.Count(got, "better") != 1 {
		t.Errorf("got\n%s\nwant the caveat first, and nothing called better", got)
	}
}

// TestSameFile: a report is the same as itself, also where its slope could be chance.
func TestSameFile(t *testing.T) {
	r := run(noisy(1, 100))
	r.Cost.Lines[0] = cost.Line{Name: cost.PSS, Known: true, BytesPerConn: 257, Low: -16_471, High: 16_986}
	for _, m := range Compare(r, r, "a.json", "a.json").Metrics {
		if m.Verdict != Same && m.Verdict != Noise || m.Basis == RampSlope {
			t.Errorf("got %s, %s: %s [%v]", m.Name, m.Basis, m.Verdict, m.change())
		}
	}
	m := Metric{A: 0.001, B: 0.002, Change: new(float64), Low: new(float64), High: new(float64)}
	*m.Low, *m.High = -80, 80
	if m.judge(); m.Verdict != Vague || m.change() != "" {
		t.Errorf("got %s %q for an interval of 16,000 %%, want nothing", m.Verdict, m.change())
	}
}

func TestShortOrUsedRuns(t *testing.T) {
	b := run(noisy(2, 100))
	b.Gateway, b.Phases.HoldTo = &report.Gateway{Earlier: 5000}, 11
	got := strings.Join(Compare(run(noisy(1, 100)), b, "a", "b").Warnings, "\n")
	for _, want := range []string{"B has 6 whole seconds of holding", "hold for 20 s or more", "B's gateway had held 5,000 connections"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
	if strings.Contains(got, "A has") || strings.Contains(got, "A's gateway") {
		t.Errorf("got %q, want nothing about A", got)
	}
}
