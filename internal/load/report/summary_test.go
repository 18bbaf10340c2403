package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tickgate/internal/load"
)

// healthy is a report of a run in which nothing went wrong.
func healthy() *Report {
	return &Report{
		Environment: Environment{},
		Plan:        Plan{Requested: 1000, Planned: 1000},
		Phases:      Phases{Hold: 60},
		Connections: Connections{Connected: 1000, AfterRamp: 1000},
		Messages:    Messages{Received: 60000, PerSecond: 1000},
		Latency:     Quantiles{Count: 60000, P50: 200, P99: 432},
		Ticks:       Ticks{Count: 60, Deliveries: 1000, Spread: Quantiles{Count: 60, P50: 10}, First: Quantiles{Count: 60, P50: 1}},
		Split:       Split{Idle: 0.4, ServerUser: 0.2, ServerKernel: 0.2, SwarmUser: 0.1, SwarmKernel: 0.1, Before: Quantiles{Count: 60, P50: 1}},
	}
}

func TestSummary(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Report)
		status Status
		want   []string
	}{
		{"healthy", func(*Report) {}, Good, []string{"1,000 connections held for 60 ticks; nothing lost; p99 432 ms"}},
		{"no ticks known", func(r *Report) { r.Ticks = Ticks{} }, Good, []string{"held for 60 s"}},
		{"assertion", func(r *Report) { r.Asserts = []Verdict{{Clause: "p99<1ms"}, {Clause: "loss=0", OK: true}} }, Bad, []string{"p99 432 ms; not met: p99<1ms; "}},
		{"not everybody connected", func(r *Report) {
			r.Connections.AfterRamp, r.Connections.Failures = 700, map[string]int64{"refused": 299, "no_files": 1}
		}, Bad, []string{"only 700 of 1,000 clients got connected (299 × refused)"}},
		{"broken off", func(r *Report) { r.Connections.Disconnects = 7 }, Bad, []string{"with 7 broken off"}},
		{"server died", func(r *Report) { r.Connections.Disconnects, r.Connections.Connected = 1000, 0 }, Bad, []string{"all 1,000 connections were broken off and none came back; nothing lost while connected; p99 432 ms"}},
		{"half died", func(r *Report) { r.Connections.Disconnects, r.Connections.Connected = 500, 500 }, Bad, []string{"only 500 of 1,000 were left"}},
		{"lost", func(r *Report) { r.Messages.Lost = 12 }, Bad, []string{"12 lost of 60,012 messages"}},
		{"doubled", func(r *Report) { r.Messages.Duplicates = 3 }, Bad, []string{"3 doubled"}},
		{"skipped", func(r *Report) { r.Messages.Conflated = 5 }, Mixed, []string{"nothing lost, but 5 skipped"}},
		{"no numbers", func(r *Report) { r.Messages.Untracked = r.Messages.Received }, Mixed, []string{"loss unknown"}},
		{"no messages", func(r *Report) { r.Messages, r.Latency = Messages{}, Quantiles{} }, Bad, []string{"no message came"}},
		{"another clock", func(r *Report) { r.Messages.Skewed = 601 }, Mixed, nil},
		{"a message early", func(r *Report) { r.Messages.Skewed = 600 }, Good, nil},
		{"fewer than asked for", func(r *Report) { r.Plan.Requested = 2000 }, Mixed, []string{"of 2,000 asked for"}},
		{"swarm", func(r *Report) { r.Split.Bottleneck, r.Swarm.LoopBusy = true, 0.9 }, Mixed, []string{"the swarm itself is the limit"}},
		{"others", func(r *Report) { r.Split = Split{ServerUser: 0.1, Idle: 0.01} }, Good, []string{"other programs took the processors"}},
		{"others, with some idle time", func(r *Report) { r.Split = Split{ServerUser: 0.1, Idle: 0.2} }, Good, []string{"other programs took the processors"}},
		{"machine", func(r *Report) { r.Split = Split{ServerUser: 0.6, SwarmUser: 0.3, Idle: 0.01} }, Good, []string{"the machine's processors are the limit"}},
		{"bursts", func(r *Report) {
			r.Server, r.Swarm.CPU, r.Ticks.Spread.P50, r.Environment.CPUs = &Server{CPU: 400}, 200, 365, 2
		}, Good, []string{"p99 432 ms; nothing was at its limit: a tick's burst took 365 ms of every 1 s"}},
		{"bursts without a pause", func(r *Report) {
			r.Server, r.Swarm.CPU, r.Ticks.Spread.P50, r.Environment.CPUs = &Server{CPU: 400}, 200, 365, 2
			r.TickRows = []TickRow{{At: 1.2}, {At: 0.8}, {At: 0.4}}
		}, Good, []string{"the server's CPU is the limit"}},
		{"bursts of the swarm", func(r *Report) {
			r.Server, r.Swarm.CPU, r.Ticks.Spread.P50, r.Phases.Hold = &Server{CPU: 400}, 500, 900, 60
		}, Good, []string{"the processors that server and swarm share are the limit"}},
		{"late feed", func(r *Report) { r.Split.Before.P50 = 100 }, Good, []string{"late before the first is sent"}},
		{"fast", func(r *Report) { r.Latency.P99 = 3 }, Good, []string{"nothing was at its limit"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := healthy()
			tt.change(r)
			got := summarise(r)
			if got.Status != tt.status {
				t.Errorf("got %s, want %s", got.Status, tt.status)
			}
			if (got.Status == Good) != (len(got.Reasons) == 0) {
				t.Errorf("got %s with reasons %q, want reasons for what is not good", got.Status, got.Reasons)
			}
			for _, want := range tt.want {
				if !strings.Contains(got.Headline, want) {
					t.Errorf("got %q, want %q in it", got.Headline, want)
				}
			}
		})
	}
}

// TestHeadroom: what a pause between bursts leaves room for is said without digits that nobody knows.
func TestHeadroom(t *testing.T) {
	r := healthy()
	r.Connections.Connected, r.Ticks.Deliveries = 100_000, 100_000
	r.Server, r.Swarm.CPU, r.Environment.CPUs = &Server{CPU: 5.3}, 2.1, 2
	r.Ticks.Spread.P50, r.Split.Idle = 365, 0.59
	_, because := limit(r)
	for _, want := range []string{"41 % busy over the whole hold", "100 % in a tick's burst of 365 ms", "at most 2.7 ticks a second, or 270,000 connections"} {
		if !strings.Contains(because, want) {
			t.Errorf("got %q, want %q in it", because, want)
		}
	}
}

func TestCheckSumsUp(t *testing.T) {
	r := New(example(t))
	asserts, err := ParseAsserts("p99<1ms")
	if err != nil {
		t.Fatal(err)
	}
	if r.Check(asserts) || r.Summary.Status != Bad || !strings.Contains(r.Summary.Headline, "2 lost") {
		t.Errorf("got %+v, want a bad run that says what was lost", r.Summary)
	}
}

// TestSeries: points and columns of the heat map hold each message once, and in the second in which it came.
func TestSeries(t *testing.T) {
	var s Series
	begin := time.Unix(1_790_000_000, 0)
	stats := &load.Stats{}
	s.Add(Reading{At: begin, Swarm: stats})
	for i := range int64(3) {
		next := *stats
		next.Hold[load.SSE] = dist(t, map[int64]int64{10: i + 1, 500: 1})
		next.ByTransport[load.SSE].Opened, next.Faults.ByKind[load.Refused], next.ByTransport[load.SSE].Disconnects = 5*(i+1), i+1, i
		stats = &next
		s.Add(Reading{At: begin.Add(time.Duration(i+1) * time.Second), Swarm: stats})
	}
	if p := s.Points[2]; p.Opened != 5 || p.Failed != 1 || p.Disconnects != 1 {
		t.Errorf("got %+v, want 5 opened, 1 failed and 1 broken off", p)
	}
	h := s.heat.summary()
	if len(h.Columns) != 3 {
		t.Fatalf("got %d columns, want 3", len(h.Columns))
	}
	if c := h.Columns[1]; c.From != 1 || c.To != 2 || len(c.Counts) != 1 || c.Counts[0] != 1 {
		t.Errorf("got %+v, want one message in the second second", c)
	}
	if low, high := h.Bounds(h.Columns[1].First); low > 10 || high < 10 {
		t.Errorf("got a bucket of %v to %v ms, want one with 10 ms in it", low, high)
	}
}

// TestHeatIsBounded: a long run takes as many columns as a page is wide, and no message is forgotten.
func TestHeatIsBounded(t *testing.T) {
	var h heat
	second := dist(t, map[int64]int64{10: 1})
	for i := range 5_000 {
		h.add(float64(i), float64(i+1), second)
	}
	sum, n := h.summary(), int64(0)
	for i, c := range sum.Columns {
		n += c.Counts[0]
		if i > 0 && c.From != sum.Columns[i-1].To {
			t.Fatalf("column %d begins at %v, the one before ends at %v", i, c.From, sum.Columns[i-1].To)
		}
	}
	if len(sum.Columns) > heatColumns || len(sum.Columns) < heatColumns/2 || n != 5_000 {
		t.Errorf("got %d columns with %d messages, want at most %d with 5,000", len(sum.Columns), n, heatColumns)
	}
	if empty := (&heat{}).summary(); empty != nil {
		t.Errorf("got %+v of nothing", empty)
	}
}

func TestCurve(t *testing.T) {
	c := curve("ws", dist(t, map[int64]int64{10: 989, 100: 10, 900: 1}))
	last := c.Points[len(c.Points)-1]
	if c.Count != 1000 || last.Share != 1 || !near(last.Latency, 900) {
		t.Errorf("got %d messages up to %+v, want 1,000 up to 900 ms", c.Count, last)
	}
	for i, p := range c.Points[:len(c.Points)-1] {
		want := 10.0
		if p.Share > 0.9891 {
			want = 100
		}
		if !near(p.Latency, want) || p.Share > 0.9991 {
			t.Errorf("point %d: got %+v, want %v ms", i, p, want)
		}
	}
	if empty := curve("ws"); len(empty.Points) != 0 {
		t.Errorf("got %+v of nothing", empty)
	}
}

// TestReadsItself: what is written as JSON is read back the same.
func TestReadsItself(t *testing.T) {
	r := New(example(t))
	r.Check(nil)
	var text strings.Builder
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal([]byte(text.String()), &back); err != nil {
		t.Fatal(err)
	}
	var again strings.Builder
	if err := back.WriteJSON(&again); err != nil {
		t.Fatal(err)
	}
	if text.String() != again.String() {
		t.Error("the document changes when it is read and written")
	}
}
