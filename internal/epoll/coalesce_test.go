package epoll

import (
	"testing"
	"time"
)

// coalescing is what the swarm's loops are.
var coalescing = Config{Coalesce: time.Millisecond, Unlocked: true, EdgeTriggered: true}

func TestCoalescingLoopServes(t *testing.T) {
	n := serve(t, coalescing, &hooks{data: echo})
	c, _ := n.connect()
	for range 10 {
		c.write("ping")
		c.expect("ping")
	}
}

func TestCoalescingLoopBlocksWhenNothingComes(t *testing.T) {
	n := serve(t, coalescing, &hooks{data: echo})
	c, _ := n.connect()
	for range 3 { // and it wakes up again
		c.write("ping")
		c.expect("ping")
		eventually(t, "the loop does without its bell", func() (awake bool) {
			n.do(func() { awake = n.coalesce.awake })
			return !awake
		})
	}
}

func TestCoalescingClockIsNotBehindWhatArrives(t *testing.T) {
	times := make(chan [2]time.Time, 1)
	n := serve(t, coalescing, &hooks{data: func(l *loop, _ *conn, b []byte) int {
		times <- [2]time.Time{l.Now(), l.Now().Add(-l.Waited())}
		return len(b)
	}})
	c, _ := n.connect()
	for range 20 {
		sent := time.Now()
		c.write("ping")
		got := await(t, times, "OnData")
		if got[0].Before(sent) {
			t.Fatalf("got a time of %s before the bytes were sent", sent.Sub(got[0]))
		}
		if got[1].After(got[0]) {
			t.Fatalf("got a wait of %s, want none below 0", got[0].Sub(got[1]))
		}
	}
}

func TestWaitedCoversTheRest(t *testing.T) {
	const rest = 20 * time.Millisecond
	waited := make(chan time.Duration, 64)
	n := serve(t, Config{Coalesce: rest, Unlocked: true}, &hooks{data: func(l *loop, _ *conn, b []byte) int {
		waited <- l.Waited()
		return len(b)
	}})
	c, _ := n.connect()
	eventually(t, "something arrives during a rest", func() bool {
		c.write("ping")
		return await(t, waited, "OnData") >= rest
	})
}

// The first event of a batch ends the connections that the other events are about.
func TestCoalescedEventsOfTheDeadAreDropped(t *testing.T) {
	const conns = 2 * batchSize
	var (
		all  []*conn
		data int
	)
	n := serve(t, coalescing, &hooks{data: func(l *loop, _ *conn, b []byte) int {
		data++
		for _, c := range all {
			l.Reset(c, UserReason)
		}
		return len(b)
	}})
	clients := make([]*client, conns)
	for i := range clients {
		c, sc := n.connect()
		clients[i] = c
		n.do(func() { all = append(all, sc) })
	}
	n.do(func() { // all of this arrives before the loop looks
		for _, c := range clients {
			c.write("ping")
		}
	})
	for range conns {
		if e := n.closing(); e.reason != UserReason {
			t.Fatalf("got reason %v, want %v", e.reason, UserReason)
		}
	}
	n.do(func() {
		if data != 1 {
			t.Errorf("got %d calls of OnData, want 1: the others are dead", data)
		}
	})
}

func TestUnlockedLoopHasNoTimeOfItsOwn(t *testing.T) {
	n := serve(t, coalescing, &hooks{})
	if got := n.stats().Busy; got != 0 {
		t.Errorf("got %s, want 0", got)
	}
}
