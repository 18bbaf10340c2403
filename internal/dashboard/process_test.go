package dashboard

import (
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	snapshot "tickgate/internal/metrics"
	"tickgate/internal/ticklog"
)

// full is a snapshot of a process with clients.
func full() snapshot.Snapshot {
	return snapshot.Snapshot{
		Capacity: 1000,
		Clients: &snapshot.Clients{
			Connections: []snapshot.Connections{
				{Transport: "ws", State: "open", N: 70},
				{Transport: "sse", State: "open", N: 30},
				{Transport: "ws", State: "closing", N: 2},
				{Transport: "sse", State: "closing", N: 1},
				{Transport: "echo", State: "open"},
			},
			Accepts: 110, Refusals: []snapshot.Count{{Label: "capacity", N: 3}, {Label: "bad_request"}}, Closes: []snapshot.Count{{Label: "peer_closed", N: 4}},
		},
		Fanout: &snapshot.Fanout{
			Subscriptions: 100, Behind: 5, Deliveries: 1000, Skipped: []snapshot.Count{{Label: "latest", N: 6}}, Lag: 250 * time.Millisecond,
			Duration: snapshot.Histogram{Counts: []uint64{1, 2}, Sum: time.Second},
		},
		Loops:   []snapshot.Loop{{Busy: time.Second, Connections: 103, BlockedConns: 2, UnsentBytes: 77}},
		Feed:    &snapshot.Feed{Ticks: 10, Late: 1},
		Bus:     &snapshot.Bus{Up: true, Publishes: 10},
		Workers: []snapshot.Worker{{Name: "0", Restarts: 2}},
	}
}

// ask returns what a process says.
func ask(t testing.TB, p Process, query string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, ProcessPath+query, nil))
	return w
}

func TestProcess(t *testing.T) {
	ticks := ticklog.New(ticklog.Config{})
	loop := ticks.Loop(func() ticklog.Spent { return ticklog.Spent{} })
	ticks.Received(1, "ticks", time.Now(), nil)
	loop.Began(1, 0, 0)
	loop.Ended(1, 42, 0, false)
	w := ask(t, Process{Source: full, Ticks: ticks}, "?since=0")
	n := decode[numbers](t, w.Body.String())
	if n.PID != os.Getpid() || n.CPU <= 0 || n.RSS < 1<<20 || n.Heap < 1<<10 || n.Goal < 1<<10 {
		t.Errorf("got %+v, want what this process takes", n)
	}
	if c := n.Connections; c["ws"] != 70 || c["sse"] != 30 || c["closing"] != 3 || len(c) != 3 {
		t.Errorf("got connections %v, want open ones by transport, the others by state, and no zeros", c)
	}
	if n.Capacity != 1000 || n.Refusals["capacity"] != 3 || len(n.Refusals) != 1 || n.Closes["peer_closed"] != 4 || n.Restarts["0"] != 2 {
		t.Errorf("got %+v, want the counts that are not zero", n)
	}
	if f := n.Fanout; f.Behind != 5 || f.Conflated != 6 || f.Lag != 0.25 || f.Taken != 1 || f.Counts[1] != 2 {
		t.Errorf("got fan-out %+v", f)
	}
	if l := n.Loops[0]; l.Busy != 1 || l.Connections != 103 || l.Blocked != 2 || l.Unsent != 77 {
		t.Errorf("got loop %+v", l)
	}
	sum := uint64(0)
	for _, c := range n.Latency.Counts {
		sum += c
	}
	if sum != 42 || n.Latency.Counts[0] == 0 {
		t.Errorf("got latency %+v, want 42 deliveries from the first bin on that has any", n.Latency)
	}
}

func TestProcessWithoutClients(t *testing.T) {
	w := ask(t, Process{Source: func() snapshot.Snapshot { return snapshot.Snapshot{} }, Ticks: ticklog.New(ticklog.Config{})}, "?since=0")
	if n := decode[numbers](t, w.Body.String()); n.Fanout != nil || n.Latency != nil || n.Connections != nil || n.PID == 0 {
		t.Errorf("got %+v, want the process only", n)
	}
	if w := ask(t, Process{}, "?since=noon"); w.Code != http.StatusBadRequest {
		t.Errorf("since=noon: got %d, want 400", w.Code)
	}
}

// BenchmarkProcess is what a sample costs the process that is asked, without the gathering of its loops' counters.
func BenchmarkProcess(b *testing.B) {
	ticks := ticklog.New(ticklog.Config{})
	loop := ticks.Loop(func() ticklog.Spent { return ticklog.Spent{} })
	for seq := uint64(1); seq <= ticklog.Size; seq++ {
		ticks.Received(seq, "ticks", time.Now(), nil)
		loop.Began(seq, 0, 0)
		loop.Ended(seq, 1000*seq, 0, false)
	}
	p, s := Process{Source: full, Ticks: ticks}, full()
	p.Source = func() snapshot.Snapshot { return s }
	b.ReportAllocs()
	for b.Loop() {
		if w := ask(b, p, "?since=0"); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkSample is what a sample costs the process that asks eight others, without their part and the way to them.
func BenchmarkSample(b *testing.B) {
	body := ask(b, Process{Source: full, Ticks: ticklog.New(ticklog.Config{})}, "?since=0").Body.Bytes()
	answers := make([]Answer, 8)
	for i := range answers {
		answers[i] = Answer{Worker: "0", Body: body}
	}
	d := &Dashboard{config: Config{Gather: counting(new(atomic.Int64), answers...), ProcRoot: "/proc"}, history: newHistory()}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(sampleEvery)
		d.takeSample(b.Context(), now, now)
	}
}
