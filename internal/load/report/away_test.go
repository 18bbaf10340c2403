package report

import (
	"strings"
	"testing"
	"time"

	"tickgate/internal/load"
)

// The latencies of those who stay are cut where the others leave, come back, and have caught up.
func TestAway(t *testing.T) {
	run := example(t)
	run.Plan.AwayClients, run.Plan.Away = 10, 30
	run.begin = run.Begin.At
	step := 0
	stayed := map[int64]int64{}
	look := func(latency int64, left int, returned load.Tally) {
		stayed[latency] += 100
		step++
		run.Away.Update(&load.Stats{
			At: run.Begin.At.Add(time.Duration(step) * time.Second), Left: left, Returned: returned, Stayed: dist(t, stayed),
		})
	}
	back := func(n, replayed int64) load.Tally {
		return load.Tally{Dialed: n, Opened: n, Resumed: n, Replayed: replayed, Messages: replayed}
	}
	look(10, 0, load.Tally{})
	look(10, 0, load.Tally{})
	look(20, 5, load.Tally{})
	look(20, 10, load.Tally{})
	look(40, 10, back(5, 100))
	look(40, 10, back(10, 200))
	look(40, 10, back(10, 300))
	look(40, 10, back(10, 300))
	look(80, 10, back(10, 300))
	run.Final.Left, run.Final.Stayed, run.Final.Returned = 10, dist(t, stayed), back(10, 300)
	run.Final.CaughtUp = dist(t, map[int64]int64{500: 10})
	r := New(run)
	a := r.Away
	for _, part := range []struct {
		name  string
		q     Quantiles
		count int64
		p99   float64
	}{{"before", a.Before, 200, 10}, {"while away", a.Meanwhile, 200, 20}, {"return", a.Return, 400, 40}, {"after", a.After, 100, 80}} {
		if part.q.Count != part.count || !near(part.q.P99, part.p99) {
			t.Errorf("%s: got %+v, want %d with a p99 of %v", part.name, part.q, part.count, part.p99)
		}
	}
	if a.LeftAt != 2 || a.BackAt != 4 || a.CaughtUpAt != 8 || a.Returned != 10 || a.Replayed != 300 || !near(a.CaughtUp.Max, 500) {
		t.Errorf("got %+v", a)
	}
	asserts, err := ParseAsserts("returned=10,resumed=10,replayed=300,caught_up_max<501ms,before_p99<11ms,return_p99<41ms")
	if err != nil || !r.Check(asserts) {
		t.Errorf("got %v, %+v, want all met", err, r.Asserts)
	}
	var text strings.Builder
	if err := r.WriteTable(&text); err != nil || !strings.Contains(text.String(), "CLIENTS THAT WERE AWAY") {
		t.Errorf("got %v and\n%s", err, &text)
	}
}

// Who does not come back makes a run bad.
func TestAwayForGood(t *testing.T) {
	run := example(t)
	run.Plan.AwayClients = 10
	run.Away.Update(&load.Stats{At: run.Begin.At})
	run.Away.Update(&load.Stats{At: run.Begin.At.Add(time.Second), Left: 10})
	run.Final.Left, run.Final.Stayed = 10, dist(t, map[int64]int64{5: 7})
	r := New(run)
	if r.Away.Meanwhile.Count != 7 || r.Away.Return.Count != 0 || r.Away.BackAt != 0 {
		t.Errorf("got %+v, want all latencies while the others are away", r.Away)
	}
	if c := awayConcern(r); !c.applies || c.status != Bad || !strings.Contains(c.text, "only 0 of 10 clients came back") {
		t.Errorf("got %+v", c)
	}
	run.Final.Left = 9
	if c := awayConcern(New(run)); !strings.Contains(c.text, "only 9 of 10 clients left") {
		t.Errorf("got %+v", c)
	}
}
