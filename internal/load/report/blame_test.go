package report

import (
	"strings"
	"testing"
	"time"

	"tickgate/internal/load"
	"tickgate/internal/load/blame"
)

// The ticks that the clients have seen meet the gateway's records in the report and its table.
func TestSlowTicks(t *testing.T) {
	const ms = int64(time.Millisecond)
	epoch := time.Now().Add(-time.Minute)
	var ticks TickBook
	p := blame.Process{Worker: "0"}
	for i := range int64(8) {
		due := epoch.UnixNano() + i*1000*ms
		feed, lag := ms, int64(0)
		switch i {
		case 3:
			feed = 700 * ms // the feed was late
		case 5:
			lag = 600 * ms // the swarm was
		}
		p.Messages = append(p.Messages, blame.Message{
			Seq: uint64(70 + i), Due: due, Offered: due + feed, Received: due + feed, Announced: due + feed,
			Passes: []blame.Pass{{Began: due + feed, Ended: due + feed + ms, CPU: ms}},
		})
		seen := load.Tick{Seq: uint64(i), Intended: due, First: due + feed, Last: due + feed + ms + lag, Lag: lag, Count: 9}
		ticks.Update([]load.Tick{seen}, epoch, time.Unix(0, due))
	}
	s := Suspects{Gateway: new(blame.Book), Objective: 500 * time.Millisecond, Local: true}
	s.Gateway.Add(&blame.Page{Processes: []blame.Process{p}})
	_, rows := ticks.summary()
	r := &Report{Blame: s.judge(rows, len(rows))}
	if b := r.Blame; b == nil || b.Slow != 2 || b.Ticks[0].Seq != 3 || b.Ticks[0].Cause != blame.Feed || b.Ticks[1].Cause != blame.Swarm {
		t.Fatalf("got %+v, want the feed blamed for tick 3 and the swarm for tick 5", b)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SLOW TICKS", "2 of 8 took longer than 500 ms", "701 ms late: late feed (699 ms more than usual)", "602 ms late: the swarm itself (600 ms"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("got no %q in\n%s", want, &table)
		}
	}
	if b := s.judge(rows[4:], len(rows)); b == nil || len(b.Notes) != 1 || !strings.Contains(b.Notes[0], "last 4 of 8 ticks") {
		t.Errorf("got %+v, want a note that half of the ticks are not judged", b)
	}
	s.Gateway = nil
	if b := s.judge(rows, len(rows)); b != nil {
		t.Errorf("got %+v without the gateway's records, want nothing", b)
	}
}

// TestAnHourIsJudged: more ticks are blamed on somebody than the report lists.
func TestAnHourIsJudged(t *testing.T) {
	run := example(t)
	run.Suspects = Suspects{Gateway: new(blame.Book), Local: true}
	p := blame.Process{Worker: "0"}
	run.Ticks = TickBook{}
	for i := range int64(3600) {
		due := run.Begin.At.Add(time.Duration(i+1) * time.Second).UnixNano()
		p.Messages = append(p.Messages, blame.Message{Seq: uint64(i), Due: due, Received: due + 1, Announced: due + 1})
		run.Ticks.Update([]load.Tick{{Seq: uint64(i), Intended: due, First: due + 1, Last: due + 2, Count: 1}}, run.Begin.At, time.Unix(0, due))
	}
	run.Gateway.Add(&blame.Page{Processes: []blame.Process{p}})
	if r := New(run); r.Blame.Judged != 3600 || len(r.TickRows) != maxRows || r.TickRows[maxRows-1].Seq != 3599 {
		t.Errorf("got %d judged and %d listed, want 3,600 and the last %d", r.Blame.Judged, len(r.TickRows), maxRows)
	}
}
