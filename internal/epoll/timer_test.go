package epoll

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// clockwork is a loop that nobody runs, whose clock the test moves, with connections numbered from 0.
type clockwork struct {
	*node
	conns []*conn
	fired []uint64 // in the order of OnTimer
}

func newClockwork(t *testing.T, conns int) *clockwork {
	w := &clockwork{}
	w.node = idle(t, Config{}, NewSlab[state](maxFD), &hooks{timer: func(_ *loop, c *conn) {
		w.fired = append(w.fired, c.State().id)
	}})
	for i := range conns {
		c := w.At(admitted(t, w.node).fd)
		c.State().id = uint64(i)
		w.conns = append(w.conns, c)
	}
	return w
}

// pass moves the clock and returns who was called since.
func (w *clockwork) pass(d time.Duration) (fired []uint64) {
	w.advance(w.wheel.now + uint32(d/Tick))
	for w.fire(2) {
		continue
	}
	fired, w.fired = w.fired, nil
	return fired
}

func TestTimersFireInOrder(t *testing.T) {
	const round = buckets * Tick
	tests := []struct {
		name string
		due  []time.Duration // by connection
		pass time.Duration   // at once
		want []uint64
	}{
		{"none due", []time.Duration{2 * Tick, 3 * Tick}, Tick, nil},
		{"on the tick", []time.Duration{2 * Tick, 3 * Tick}, 2 * Tick, []uint64{0}},
		{"rounded up", []time.Duration{Tick + 1, 1}, Tick, []uint64{1}},
		{"by time, not by call", []time.Duration{5 * Tick, 1 * Tick, 3 * Tick}, 9 * Tick, []uint64{1, 2, 0}},
		{"beyond a round", []time.Duration{round + Tick}, 2 * Tick, nil},
		{"a round later", []time.Duration{round + Tick, Tick}, round + Tick, []uint64{1, 0}},
		{"many rounds at once", []time.Duration{3 * round, time.Second}, 10 * round, []uint64{1, 0}},
		{"just under a round", []time.Duration{round - Tick}, round - Tick, []uint64{0}},
		{"just over a round", []time.Duration{round}, round - Tick, nil},
		{"zero and negative mean at once", []time.Duration{0, -time.Hour}, Tick, []uint64{1, 0}},
	}
	for _, tt := range tests {
		for _, stepwise := range []bool{false, true} {
			w := newClockwork(t, len(tt.due))
			for i, d := range tt.due {
				w.SetTimer(w.conns[i], d)
			}
			var got []uint64
			if stepwise {
				for range tt.pass / Tick {
					got = append(got, w.pass(Tick)...)
				}
			} else {
				got = w.pass(tt.pass)
			}
			if !slices.Equal(sorted(tt.due, got), sorted(tt.due, tt.want)) || len(got) != len(tt.want) {
				t.Errorf("%s, stepwise %t: got %v, want %v", tt.name, stepwise, got, tt.want)
			}
		}
	}
}

// sorted replaces connections by their deadlines: those of one tick may come in any order.
func sorted(due []time.Duration, ids []uint64) (deadlines []time.Duration) {
	for _, id := range ids {
		deadlines = append(deadlines, max(due[id], Tick))
	}
	return deadlines
}

func TestTimerIsSetAgain(t *testing.T) {
	w := newClockwork(t, 3)
	for _, c := range w.conns {
		w.SetTimer(c, 10*Tick)
	}
	w.SetTimer(w.conns[0], 30*Tick) // later
	w.SetTimer(w.conns[1], 5*Tick)  // earlier
	if got := w.pass(9 * Tick); !slices.Equal(got, []uint64{1}) {
		t.Errorf("after 9 ticks: got %v, want [1]", got)
	}
	if got := w.pass(1 * Tick); !slices.Equal(got, []uint64{2}) {
		t.Errorf("after 10 ticks: got %v, want [2]", got)
	}
	if got := w.pass(20 * Tick); !slices.Equal(got, []uint64{0}) {
		t.Errorf("after 30 ticks: got %v, want [0]", got)
	}
	if got := w.pass(time.Hour - 20*Tick); len(got) != 2 { // nobody has asked for more
		t.Errorf("after an hour: got %v, want two of them", got)
	}
}

// A connection is in exactly one list, whatever is done to it while it is due.
func TestDueTimersAreMovedAndRemoved(t *testing.T) {
	w := newClockwork(t, 6)
	for i, c := range w.conns {
		w.SetTimer(c, time.Duration(i+1)*Tick)
	}
	w.advance(w.wheel.now + 6)
	w.SetTimer(w.conns[0], Tick)    // the first of those that are due
	w.SetTimer(w.conns[5], Tick)    // the last one
	w.Reset(w.conns[2], reasonDone) // one in the middle
	w.Close(w.conns[3], reasonDone) // lingers
	if got := w.wheel.count; got != 5 {
		t.Errorf("got %d connections, want 5", got)
	}
	if got := w.pass(0); !slices.Equal(got, []uint64{1, 4}) {
		t.Errorf("got %v, want [1 4]", got)
	}
	got := w.pass(Tick)
	slices.Sort(got)
	if !slices.Equal(got, []uint64{0, 5}) {
		t.Errorf("a tick later: got %v, want [0 5]", got)
	}
	if w.wheel.heads[firing] != none || w.wheel.last != none {
		t.Errorf("got %d…%d due, want none", w.wheel.heads[firing], w.wheel.last)
	}
}

func TestFirstDueIsServedFirst(t *testing.T) {
	w := newClockwork(t, 9)
	for i, c := range w.conns {
		w.SetTimer(c, time.Duration(1+i/3)*Tick)
	}
	var got []uint64
	for range 4 { // two a tick is less than what falls due
		w.advance(w.wheel.now + 1)
		w.fire(2)
		got, w.fired = append(got, w.fired...), nil
	}
	for i, id := range got {
		if uint64(i)/3 != id/3 {
			t.Errorf("got %v, want the earlier ones before the later ones", got)
			break
		}
	}
}

func TestEachVisitsEverybodyOnce(t *testing.T) {
	w := newClockwork(t, 20)
	for i, c := range w.conns {
		w.SetTimer(c, time.Duration(i)*7*time.Second)
	}
	w.advance(w.wheel.now + 70) // some are due
	visits := make(map[uint64]int)
	w.Each(func(c *conn) {
		visits[c.State().id]++
		w.SetTimer(c, time.Duration(c.State().id)*time.Second) // moves it to another list
		if id := c.State().id; id%5 == 0 {
			w.Reset(c, reasonDone)
		} else if id%5 == 1 {
			w.Close(c, reasonDone)
		}
	})
	if len(visits) != 20 {
		t.Errorf("got %d connections, want 20", len(visits))
	}
	for id, k := range visits {
		if k != 1 {
			t.Errorf("connection %d: got %d visits, want 1", id, k)
		}
	}
	left := 0
	w.Each(func(*conn) { left++ })
	if left != 16 || w.Stats().Conns != 16 {
		t.Errorf("after resetting four: got %d visits and %d connections, want 16", left, w.Stats().Conns)
	}
}

func TestEachSkipsWhoIsEndedMeanwhile(t *testing.T) {
	w := newClockwork(t, 10)
	visits := 0
	w.Each(func(c *conn) {
		visits++
		for _, other := range w.conns {
			if other != c {
				w.Reset(other, reasonDone)
			}
		}
	})
	if visits != 1 {
		t.Errorf("got %d visits, want 1: the others were reset", visits)
	}
}

func TestTimersRunOnTheRealClock(t *testing.T) {
	fired := make(chan time.Duration, 100)
	var begin time.Time
	n := serve(t, Config{}, &hooks{
		open:  func(l *loop, c *conn) { begin = time.Now(); l.SetTimer(c, 3*Tick) },
		timer: func(l *loop, c *conn) { fired <- time.Since(begin); l.SetTimer(c, Tick) },
	})
	n.connect()
	first := await(t, fired, "the timer")
	if first < 2*Tick-Tick/2 {
		t.Errorf("a timer of %s: got it after %s, want it give or take a tick", 3*Tick, first)
	}
	for range 2 {
		await(t, fired, "the timer it set again")
	}
	n.do(func() {
		n.Each(func(c *conn) { n.SetTimer(c, 2*time.Minute) })
		n.start = n.start.Add(-3 * time.Minute) // the machine slept
	})
	for len(fired) > 0 {
		<-fired
	}
	await(t, fired, "the timer, more than a round later")
}

// More expired timers than a slice: the others' bytes come in between.
func TestExpiredTimersComeInSlices(t *testing.T) {
	var fired atomic.Int64
	n := serve(t, Config{Slice: 4}, &hooks{data: echo, timer: func(l *loop, c *conn) { fired.Add(1) }})
	const conns = 50
	var clients []*client
	for range conns {
		c, _ := n.connect()
		clients = append(clients, c)
	}
	n.do(func() { n.Each(func(c *conn) { n.SetTimer(c, Tick) }) })
	eventually(t, "all timers have fired", func() bool {
		clients[0].write("ping")
		clients[0].expect("ping")
		return fired.Load() == conns
	})
}

func TestCoarseTimersFireTogether(t *testing.T) {
	w := newClockwork(t, 3)
	w.pass(Tick) // the clock is not at a full second
	w.SetCoarseTimer(w.conns[0], 5*time.Second)
	w.SetCoarseTimer(w.conns[1], 5*time.Second+700*time.Millisecond)
	w.SetCoarseTimer(w.conns[2], 300*time.Millisecond)
	if got := w.pass(3 * Tick); !slices.Equal(got, []uint64{2}) {
		t.Errorf("after 0.3 s: got %v, want [2]: short times are kept", got)
	}
	if got := w.pass(5500 * time.Millisecond); len(got) != 0 {
		t.Errorf("just before the full second: got %v, want none", got)
	}
	if got := w.pass(Tick); len(got) != 2 {
		t.Errorf("at the full second: got %v, want two", got)
	}
}
