package epoll

import (
	"testing"
	"time"
)

// KickAfter calls OnWork without anybody else's help, again and again, not before its time and on a loop without
// connections too.
func TestKickAfter(t *testing.T) {
	const rounds, wait = 3, 150 * time.Millisecond
	called := make(chan time.Time, 16)
	n := start(t, Config{}, NewSlab[state](maxFD), &hooks{work: func(*loop, int) bool {
		called <- time.Now()
		return false
	}}, "")
	for range rounds {
		asked := make(chan time.Time, 1)
		n.Post(func() {
			n.KickAfter(time.Hour)
			asked <- time.Now()
			n.KickAfter(wait) // in its place
		})
		before := await(t, asked, "the posted function")
		if got := await(t, called, "OnWork").Sub(before); got < wait {
			t.Errorf("OnWork: got it after %v, want %v at least", got, wait)
		}
	}
	select {
	case <-called:
		t.Error("OnWork: got one call more than asked for")
	default:
	}
}

// A moment that is over, or close, is the next tick; one far away does not keep the timers of connections waiting.
func TestAlarmAmongTimers(t *testing.T) {
	w := newClockwork(t, 1)
	w.SetTimer(w.conns[0], 2*Tick)
	w.KickAfter(-time.Hour)
	if w.alarm != w.wheel.now+1 && w.alarm != w.clock() {
		t.Errorf("alarm: got tick %d, want %d", w.alarm, w.wheel.now+1)
	}
	w.KickAfter(time.Hour)
	w.rest()
	if want := w.wheel.now + 2; w.armed != want {
		t.Errorf("timer: got it set for tick %d, want %d, that of the connection", w.armed, want)
	}
	w.KickAfter(0)
	w.rest()
	if w.armed != w.alarm {
		t.Errorf("timer: got it set for tick %d, want %d, the alarm", w.armed, w.alarm)
	}
	w.advance(w.alarm - 1)
	if w.alarmed() {
		t.Error("alarmed a tick early")
	}
	w.advance(w.alarm)
	if !w.alarmed() || w.alarmed() {
		t.Error("alarmed: got it not or twice, want it once")
	}
}
