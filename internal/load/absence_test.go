package load

import (
	"fmt"
	"testing"
	"time"
)

// Clients leave together, stay away, and come back with their ids. What they get then is counted for itself, and so is the
// latency of those who stay.
func TestAbsence(t *testing.T) {
	const clients, away, pause = 20, 5, 300 * time.Millisecond
	left := make(chan time.Time, clients)
	s := newServer(t, func(p *peer) {
		last := p.request.Header.Get("Last-Event-ID")
		if last == "" {
			p.send(1, 2, 3)
			p.stay()
			left <- time.Now()
			return
		}
		if last != "e-3" {
			t.Errorf("came back with %q, want e-3", last)
		}
		old := time.Now().Add(-time.Minute).UnixNano()
		for _, seq := range []int{3, 4, 6} { // 3 again, 5 missing
			p.payload(fmt.Sprintf(`{"seq":%d,"ts":%d}`, seq, old), fmt.Sprintf("e-%d", seq))
		}
		p.payload(fmt.Sprintf(`{"seq":7,"ts":%d}`, time.Now().Add(time.Minute).UnixNano()), "e-7")
		p.stay()
	})
	cfg := s.config(clients, SSE)
	cfg.Policy, cfg.Loops = All, 2
	cfg.Absence = Absence{Clients: away, For: pause, Rate: 1000}
	e := start(t, cfg)
	before := e.awaitMessages(3 * clients)
	if before.Left != 0 || before.Stayed.Total() != 0 {
		t.Errorf("got %d left and %d latencies while connecting, want none", before.Left, before.Stayed.Total())
	}
	e.Hold()
	e.await("all away", func(st *Stats) bool { return st.Left == away })
	st := e.await("all back", func(st *Stats) bool { return st.Returned.Messages == 4*away && st.Connected() == clients })
	r := &st.Returned
	if r.Dialed != away || r.Opened != away || r.Resumed != away || r.Replayed != 3*away || r.Duplicates != away || r.Lost != away {
		t.Errorf("got %+v, want of each of %d clients 3 replayed, one of them again and one missing", r, away)
	}
	sum := st.Sum()
	if sum.Messages != 3*clients+4*away || sum.Left != away || sum.Disconnects != 0 || sum.Lost != away {
		t.Errorf("got %+v, want the returned ones among all", sum)
	}
	if st.Stayed.Total() != 0 {
		t.Errorf("got %d latencies of those who stay, want none: all messages went to the others", st.Stayed.Total())
	}
	if gone := time.Since(<-left); gone < pause {
		t.Errorf("were back after %v, want %v", gone, pause)
	}
	e.Settle([]Tick{{Seq: 8, Intended: time.Now().Add(-time.Second).UnixNano()}})
	e.Judge()
	st = e.stats()
	if st.Returned.Lost != 2*away {
		t.Errorf("got %d lost, want another one each: who resumes is owed what came before its return", st.Returned.Lost)
	}
	if st.CaughtUp.Total() != away {
		t.Errorf("got %d times of catching up, want %d", st.CaughtUp.Total(), away)
	}
}

// Members are as many as asked for, spread evenly, and numbered without a hole.
func TestAbsenceMembers(t *testing.T) {
	for _, tt := range []struct{ clients, total int }{{1, 1}, {3, 10}, {10, 10}, {500, 2000}, {20_000, 100_000}} {
		a := Absence{Clients: tt.clients}
		n := 0
		for i := range tt.total {
			nth, ok := a.member(i, tt.total)
			if !ok {
				continue
			}
			if nth != n {
				t.Fatalf("%+v: client %d is number %d, want %d", tt, i, nth, n)
			}
			n++
			if even := (2*nth + 1) * tt.total / (2 * tt.clients); i-even > tt.total/tt.clients+1 || even-i > tt.total/tt.clients+1 {
				t.Fatalf("%+v: number %d is client %d, far from %d", tt, nth, i, even)
			}
		}
		if n != tt.clients {
			t.Errorf("%+v: got %d members", tt, n)
		}
	}
	if _, ok := (&Absence{}).member(0, 10); ok {
		t.Error("a member of nothing")
	}
}
