package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tickgate/internal/load/cost"
	"tickgate/internal/load/sample"
)

func TestInterpolatedConns(t *testing.T) {
	start := time.Unix(1_790_000_000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	m := meter{counts: []count{{at(0), 0}}}
	m.counted(at(200), 1000)
	m.counted(at(100), 7) // a worker's late answer
	m.counted(at(400), 3000)
	for _, tt := range []struct{ ms, want int }{{-5, 0}, {0, 0}, {100, 500}, {200, 1000}, {250, 1500}, {400, 3000}, {900, 3000}} {
		if got := m.conns(at(tt.ms)); got != tt.want {
			t.Errorf("after %d ms: got %d connections, want %d", tt.ms, got, tt.want)
		}
	}
}

func TestCadence(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	c := cadence{least: leastPause}
	c.put(now, time.Microsecond)
	if got := c.next.Sub(now); got != leastPause {
		t.Errorf("got a pause of %v after a cheap reading, want %v", got, leastPause)
	}
	c.put(now, 4*time.Millisecond)
	if got := c.next.Sub(now); got != 480*time.Millisecond {
		t.Errorf("got a pause of %v after one of 4 ms, want 120 times that", got)
	}
}

// A ramp of ten hours leaves as many samples as one of a minute, spread over all of it, and of each kind.
func TestSamplesAreBounded(t *testing.T) {
	start := time.Unix(1_790_000_000, 0)
	end := start.Add(10 * time.Hour)
	m := meter{cheap: cadence{least: leastPause}}
	readings := 0
	for now := start; now.Before(end); now = m.cheap.next {
		bytes := map[string]int64{cost.Slab: 1}
		if readings++; readings%10 == 0 {
			bytes = map[string]int64{cost.Live: 1}
		}
		m.keep(timed{at: now, bytes: bytes})
		m.cheap.put(now, 0)
	}
	pages, early := 0, 0
	for _, s := range m.samples {
		if _, page := s.bytes[cost.Live]; page {
			pages++
		}
		if s.at.Before(start.Add(5 * time.Hour)) {
			early++
		}
	}
	n := len(m.samples)
	if n > maxReadings || n < maxReadings/2 || pages < n/20 || early < n/3 || !m.samples[0].at.Equal(start) {
		t.Errorf("got %d samples, %d of them pages and %d from the first half; want at most %d", n, pages, early, maxReadings)
	}
	if readings > 20*maxReadings {
		t.Errorf("got %d readings in ten hours, want pauses that grow", readings)
	}
}

func TestPageBytes(t *testing.T) {
	got := make(map[string]int64)
	pageBytes(got, sample.Metrics{"go_gc_heap_live_bytes": 7, "go_memstats_mspan_sys_bytes": 1})
	if len(got) != 1 || got[cost.Live] != 7 {
		t.Errorf("got %v, want what the page has in full", got)
	}
	pageBytes(got, nil)
	if len(got) != 1 {
		t.Errorf("got %v from no page", got)
	}
}

// halfway lets in the first half of so many clients, and the others when the page of metrics has been read three times since: the ramp takes as long as
// it takes to sample it, whatever the machine.
func halfway(clients int64) func(*feed) {
	var met, pages atomic.Int64
	enough := make(chan struct{})
	return func(f *feed) {
		f.asked = func() {
			if met.Load() > clients/2 && pages.Add(1) == 3 {
				close(enough)
			}
		}
		f.admit = func() {
			if met.Add(1) <= clients/2 {
				return
			}
			select {
			case <-enough:
			case <-f.done:
			}
		}
	}
}

// Not in parallel with tests that start client processes: they would be this one's too.
func TestSampledWhileConnecting(t *testing.T) {
	const page = "go_gc_heap_live_bytes 1e6\ngo_memstats_heap_inuse_bytes 2e6\n"
	f := newFeed(t, 50*time.Millisecond, halfway(200), func(f *feed) { f.metrics = page })
	got := swarm(t, "--conns=200", "--rate=200", "--timeout=5m", "--ramp-timeout=5m", "--ticks=3", "--admin", f.URL, f.URL)
	if got.code != exitOK || got.report == nil || got.report.Cost == nil {
		t.Fatalf("got code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	c := got.report.Cost
	between := 0
	for _, s := range c.Samples {
		if s.Conns > 0 && s.Conns < 200 {
			between++
		}
	}
	// The first of the three pages may have been read before anybody was counted.
	if between < 2 || c.Ends != 2 || c.Swarm != 1 || c.Line(cost.Live) == nil || c.Line(cost.Queues) == nil || c.Line(cost.PSS) != nil {
		t.Errorf("got %d samples from the ramp and %+v; want some, two ends, the page and the kernel, and no server for --pid=none", between, c.Lines)
	}
	if !strings.Contains(got.stdout, "too few") {
		t.Errorf("got a table that does not say that 200 clients are too few:\n%s", got.stdout)
	}
}
