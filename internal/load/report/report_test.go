package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tickgate/internal/load"
	"tickgate/internal/load/sample"
)

// dist is a distribution of n durations of so many milliseconds each.
func dist(t *testing.T, msCounts map[int64]int64) load.Dist {
	t.Helper()
	h := hdrhistogram.Import(load.Histogram().Export())
	for ms, n := range msCounts {
		if err := h.RecordValues(1000*ms, n); err != nil {
			t.Fatal(err)
		}
	}
	var d load.Dist
	for i, n := range h.Export().Counts {
		if n > 0 {
			d.Index, d.Count = append(d.Index, int32(i)), append(d.Count, n)
		}
	}
	return d
}

// example is a run of 100 clients: 10 s of ramp, 20 s of holding, 40 messages each.
func example(t *testing.T) *Run {
	begin := time.Unix(1_790_000_000, 0)
	stats := func(messages int64, lag map[int64]int64) *load.Stats {
		s := &load.Stats{Newest: load.Tick{Seq: 42}, Lag: dist(t, lag), Open: [load.Transports]int{70, 30}, Slow: 1, Busy: time.Second}
		s.ByTransport[load.WebSocket] = load.Tally{Dialed: 71, Opened: 70, Messages: messages * 7 / 10}
		s.ByTransport[load.SSE] = load.Tally{Dialed: 30, Opened: 30, Messages: messages * 3 / 10}
		return s
	}
	full, end := stats(100, nil), stats(4100, map[int64]int64{1: 3990, 40: 10})
	end.Hold[load.WebSocket] = dist(t, map[int64]int64{100: 2800})
	end.Hold[load.SSE] = dist(t, map[int64]int64{100: 1100, 900: 100})
	final := *end
	final.ByTransport[load.WebSocket].Lost = 2
	final.Faults.ByKind[load.Refused] = 1
	final.Faults.Examples = map[load.Failure]string{load.Refused: "ws://h/ws: connection refused"}
	full.ByTransport[load.WebSocket].Conflated, final.ByTransport[load.WebSocket].Conflated = 3, 4
	run := &Run{
		Environment: Environment{Machine: sample.Machine{CPUs: 2, Kernel: "Linux 6.18"}},
		Plan:        Plan{Requested: 100, Planned: 100, Processes: 2, Targets: []string{"ws://h/ws"}, Policy: "latest"},
		Phases:      Phases{Ramp: 10, Hold: 20, Settle: 1, Stopped: "time was up"}, Loops: 2, PIDs: []int{7},
		Begin: Mark{At: begin, Swarm: &load.Stats{}, Server: sample.Usage{PSS: 10e6, RSS: 20e6}, Kernel: sample.Kernel{Slab: 1e6}, Pages: sample.Metrics{"go_memstats_heap_alloc_bytes": 1e6}},
		Full:  Mark{Swarm: full, Server: sample.Usage{PSS: 10e6, User: 1, System: 2}, Pages: sample.Metrics{"process_cpu_seconds_total": 3}},
		End: Mark{
			Swarm: end, Server: sample.Usage{Processes: 1, PSS: 10e6 + 30000, RSS: 21e6, User: 1.004, System: 2.016}, Self: sample.Usage{User: 0.004, System: 0.004},
			Kernel: sample.Kernel{Slab: 2e6, Queues: 5e5, Idle: 30}, Pages: sample.Metrics{"go_memstats_heap_alloc_bytes": 1.5e6, "process_cpu_seconds_total": 3.02},
		},
		Final: &final, Notes: []string{"a note"},
	}
	at := func(ms int64) int64 { return begin.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	run.Ticks.Update([]load.Tick{
		{Seq: 40, Intended: at(-500), First: at(-400), Last: at(-300), Count: 50}, // before the hold
		{Seq: 41, Intended: at(500), First: at(510), Last: at(710), Count: 99},
		{Seq: 42, Intended: at(1500), First: at(1510), Last: at(1520), Count: 10},
	}, begin, begin)
	run.Ticks.Update([]load.Tick{
		{Seq: 42, Intended: at(1500), First: at(1510), Last: at(1910), Count: 99},
		{Seq: 43, Intended: at(2500), First: at(2510), Last: at(2510), Count: 1},
	}, begin, begin)
	run.Ticks.Close(load.Tick{Seq: 42, Intended: at(1500)})
	return run
}

func near(got, want float64) bool { return got > want*0.999 && got < want*1.001 }

func TestNew(t *testing.T) {
	r := New(example(t))
	if q := r.Latency; q.Count != 4000 || !near(q.P50, 100) || !near(q.P99, 900) {
		t.Errorf("got latency %+v, want 4,000 with 100 and 900 ms", q)
	}
	if k := r.Ticks; k.Count != 2 || !near(k.Spread.Max, 400) || !near(k.First.P50, 10) || k.Fewest != 99 || k.ExpectedBy != 99 {
		t.Errorf("got ticks %+v, want 2 to 99 clients each", k)
	}
	if s := r.Server; s == nil || s.PerConn != 300 || s.Measure != "pss" || !near(s.CPU, 5) || !near(s.User, 1) || !near(s.Cores, 0.001) {
		t.Errorf("got server %+v, want 300 bytes a connection and 5 µs a message", s)
	}
	if g := r.Gateway; g == nil || !near(g.PerConn, 5000) || !near(g.CPU, 5) {
		t.Errorf("got gateway %+v, want 5,000 bytes of heap a connection and 5 µs", g)
	}
	if k := r.Kernel; !near(k.PerConn, 15000) {
		t.Errorf("got kernel %+v, want 15,000 bytes a connection", k)
	}
	if s := r.Swarm; !near(s.CPU, 2) || !near(s.Lag.P99, 1) || !near(s.Lag.Max, 40) {
		t.Errorf("got swarm %+v, want 2 µs and a lag of 1 ms", s)
	}
	if r.Messages.PerSecond != 200 || r.Messages.Lost != 2 || r.Connections.Failures["refused"] != 1 || r.Split.Bottleneck {
		t.Errorf("got %+v, %+v, %+v", r.Messages, r.Connections, r.Split)
	}
}

func TestWithoutWhatIsUnknown(t *testing.T) {
	run := example(t)
	run.PIDs, run.Full.Pages = nil, nil
	run.End.Server.PSS = 0
	r := New(run)
	if r.Server != nil || r.Gateway != nil {
		t.Errorf("got %+v and %+v, want nothing", r.Server, r.Gateway)
	}
	run.PIDs = []int{7}
	if s := New(run).Server; s.Measure != "rss" || s.PerConn != 10000 {
		t.Errorf("got %+v, want growth of RSS where PSS may not be read", s)
	}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name  string
		split Split
		swarm Swarm
		want  bool
		says  string
	}{
		{"fine", Split{Idle: 0.5}, Swarm{Lag: Quantiles{P99: 5}}, false, "was not the bottleneck"},
		{"busy loops", Split{Idle: 0.5}, Swarm{LoopBusy: 0.95}, true, "busy 95 %"},
		{"lagging", Split{Idle: 0.5}, Swarm{Lag: Quantiles{P99: 60}}, true, "held messages up by 60.0 ms"},
		{"others", Split{Idle: 0.01}, Swarm{Lag: Quantiles{P99: 60}}, true, "other programs left no processor free"},
		{"crowded", Split{ServerUser: 0.6, SwarmUser: 0.3, Idle: 0.01}, Swarm{Lag: Quantiles{P99: 60}}, true, "no processor was free"},
		{"saturated", Split{Idle: 0.01}, Swarm{Lag: Quantiles{P99: 5}}, false, "saturated"},
	}
	for _, tt := range tests {
		r := &Report{Swarm: tt.swarm, Latency: Quantiles{P99: 100}, Messages: Messages{PerSecond: 1}}
		if got, text := verdict(&tt.split, r); got != tt.want || !strings.Contains(text, tt.says) {
			t.Errorf("%s: got %v, %q; want %v and %q", tt.name, got, text, tt.want, tt.says)
		}
	}
}

// TestSharedBurst: a swarm that waits for processors while the server uses them is not what the result is about; one that is too slow itself is, and one
// that other programs held up.
func TestSharedBurst(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Report)
		want   bool
		says   string
	}{
		{"the server's burst", func(*Report) {}, false, "of 401.0 ms (p99), messages waited up to 336.0 ms to be read"},
		{"the server's burst, and others", func(r *Report) { r.Split.ServerUser = 0 }, false, "was not the bottleneck"},
		{"the swarm's burst", func(r *Report) { r.Server.CPU, r.Ticks.Spread.P50 = 1.5, 180 }, true, "more --loops"},
		{"busy loops in the burst", func(r *Report) { r.Swarm.LoopBusy = 0.33 }, true, "more --loops"},
		{"more work than processors", func(r *Report) { r.Server.CPU = 60 }, true, "not for the server's work"},
		{"stopped beside idle processors", func(r *Report) { r.Environment.CPUs = 16 }, true, "not for the server's work"},
		{"late by little beside idle processors", func(r *Report) { r.Environment.CPUs, r.Swarm.Lag.P99, r.Latency.P99 = 16, 7, 14 }, false, "was not the bottleneck"},
		{"others", func(r *Report) { r.Environment.CPUs, r.Split.ServerUser = 16, 0 }, true, "other programs took 20 %"},
		{"a server elsewhere", func(r *Report) { r.Server = nil }, true, "the swarm held messages up"},
	}
	for _, tt := range tests {
		r := healthy()
		r.Server, r.Environment.CPUs, r.Ticks.Deliveries, r.Ticks.Spread.P50, r.Latency.P99 = &Server{CPU: 5.3}, 2, 100_000, 365, 401
		r.Swarm = Swarm{CPU: 2.1, Lag: Quantiles{P99: 336}, LoopBusy: 0.03}
		tt.change(r)
		if got, text := verdict(&r.Split, r); got != tt.want || !strings.Contains(text, tt.says) {
			t.Errorf("%s: got %v, %q; want %v and %q", tt.name, got, text, tt.want, tt.says)
		}
	}
}

func TestAsserts(t *testing.T) {
	asserts, err := ParseAsserts("p99<900.5ms, p50>=0.1s,loss=0,connected=100,connected!=99,server_cpu<=5.1us,conn_bytes<300,spread_max<1s,gaps==0")
	if err != nil {
		t.Fatal(err)
	}
	r := New(example(t))
	if r.Check(asserts) {
		t.Error("got true, want false: 2 messages are lost")
	}
	var failed []string
	for _, v := range r.Asserts {
		if !v.OK {
			failed = append(failed, v.Clause+" "+v.Got)
		}
	}
	if got, want := strings.Join(failed, "; "), "loss=0 2; conn_bytes<300 300"; got != want {
		t.Errorf("got failed %q, want %q", got, want)
	}
}

func TestAssertsOfWhatWasNotMeasured(t *testing.T) {
	asserts, err := ParseAsserts("loss=0,p99<1s,server_cpu<9us")
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Messages: Messages{Received: 5, Untracked: 5}}
	if r.Check(asserts) || r.Asserts[0].Got != "not measured" || r.Asserts[1].OK || r.Asserts[2].OK {
		t.Errorf("got %+v, want all unmet", r.Asserts)
	}
}

func TestBadAsserts(t *testing.T) {
	_, err := ParseAsserts("p99<5,speed>1,loss~0,loss<>0,loss=none,connected")
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`"p99<5": "5" is not a duration`, `"speed>1": unknown name`, `"loss~0": no comparison`, `unknown comparison "<>"`,
		`"none" is not a number`, `"connected": no comparison`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func TestTableAndJSON(t *testing.T) {
	r := New(example(t))
	var table, doc strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"100 of 100 (ws 70, sse 30)", "  refused  1, first: ws://h/ws: connection refused", "lost", "4, of which 3 while connecting", "p99 900 ms",
		"300 bytes per connection", "5.00 µs per message", "a note", "verdict",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
	if err := r.WriteJSON(&doc); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(doc.String()), &back); err != nil || back["schema"] != Schema {
		t.Errorf("got %v, schema %v", err, back["schema"])
	}
}

// TestToldNotes: what the terminal had during the run is in the document, and not in the table again.
func TestToldNotes(t *testing.T) {
	run := example(t)
	run.Notes, run.Told = append(run.Notes, "a wall was met"), []string{"a wall was met"}
	var table, doc strings.Builder
	if r := New(run); r.WriteTable(&table) != nil || r.WriteJSON(&doc) != nil {
		t.Fatal("not written")
	}
	if strings.Contains(table.String(), "a wall") || !strings.Contains(doc.String(), "a wall") || !strings.Contains(table.String(), "a note") {
		t.Errorf("got the note again, or none in the document:\n%s", table.String())
	}
}

// TestReconnects: connects while holding are in the price of a message, and the table says how much of it they are.
func TestReconnects(t *testing.T) {
	steady, run := New(example(t)), example(t)
	run.Full.Server.User = 1.01 // of the ramp's 100 connects
	run.End.Server.User = 1.014
	run.End.Swarm.ByTransport[load.WebSocket].Opened += 50
	churned := New(run)
	for _, tt := range []struct {
		name string
		r    *Report
		want string // empty: no such row
	}{
		{"steady", steady, ""},
		{"churned", churned, "50 while holding; they are in the CPU per message: 376.25 µs of the server's"},
	} {
		var table strings.Builder
		if err := tt.r.WriteTable(&table); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(table.String(), "reconnects"); got != (tt.want != "") || !strings.Contains(table.String(), tt.want) {
			t.Errorf("%s: got this table, want %q in it:\n%s", tt.name, tt.want, table.String())
		}
	}
}

func TestSeriesAndProgress(t *testing.T) {
	run := example(t)
	var s Series
	begin := time.Unix(1_790_000_000, 0)
	s.Add(Reading{At: begin, Swarm: run.Full.Swarm})
	p := s.Add(Reading{At: begin.Add(2 * time.Second), Swarm: run.End.Swarm, SelfCPU: 0.5, ServerCPU: 1, ServerRSS: 7})
	if len(s.Points) != 1 || p.Messages != 4000 || !near(p.P99, 900) || p.Swarm != 0.25 || p.Server != 0.5 || p.At != 2 {
		t.Errorf("got %+v", p)
	}
	progress := Progress{Phase: "hold", Elapsed: 2 * time.Second, Planned: 100, Swarm: run.Final, Point: p, Every: 2, Ticks: 2, Of: 60}
	got := progress.Line()
	for _, want := range []string{"2s hold", "100/100 connected, 1 failed", "2,000 msg/s", "p99 900 ms", "lost 2", "tick 2/60", "server 0.50 cores"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to contain %q", got, want)
		}
	}
}

func TestTicksAreFolded(t *testing.T) {
	var b TickBook
	at := time.Unix(1_790_000_000, 0)
	for i := range 2 * maxJudged {
		at = at.Add(time.Second)
		b.Update([]load.Tick{{Seq: uint64(i), First: at.UnixNano(), Last: at.UnixNano() + 1e6, Count: 5}}, time.Unix(0, 1), at)
	}
	if len(b.live) > 20 || b.Count() != 2*maxJudged {
		t.Errorf("got %d live of %d ticks, want the last seconds of %d", len(b.live), b.Count(), 2*maxJudged)
	}
	k, rows := b.summary()
	if k.Count != 2*maxJudged || k.Deliveries != 5 || len(rows) != maxJudged || rows[len(rows)-1].Seq != 2*maxJudged-1 {
		t.Errorf("got %+v and %d rows", k, len(rows))
	}
}

// TestExamplesHaveNoSecrets: a report is passed on, and a target's URL may have a token in it.
func TestExamplesHaveNoSecrets(t *testing.T) {
	run := example(t)
	run.Final.Faults.Examples = map[load.Failure]string{load.Refused: "ws://h/ws?token=hunter2: connection refused"}
	if got := New(run).Connections.Examples; len(got) != 1 || strings.Contains(got[0], "hunter2") || !strings.Contains(got[0], "connection refused") {
		t.Errorf("got %q, want the example without the token", got)
	}
}

// TestChurnIsNoFailureOfTheRamp: churn begins with the hold, and so before the counters of its beginning are read.
func TestChurnIsNoFailureOfTheRamp(t *testing.T) {
	for left, want := range map[int64]int{0: 97, 3: 100, 5: 100} {
		run := example(t)
		run.Full.Swarm.Open = [load.Transports]int{67, 30}
		run.Full.Swarm.ByTransport[load.WebSocket].Left = left
		if got := New(run).Connections.AfterRamp; got != want {
			t.Errorf("%d left: got %d after the ramp, want %d", left, got, want)
		}
	}
}
