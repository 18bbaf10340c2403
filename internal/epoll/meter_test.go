package epoll

import (
	"testing"
	"time"
)

// Time is counted where it is spent: what a handler does while reading, and while working off its queue.
func TestMeter(t *testing.T) {
	const spent = 30 * time.Millisecond
	burn := func() {
		for end := time.Now().Add(spent); time.Now().Before(end); {
		}
	}
	meter := new(Meter)
	n := serve(t, Config{Meter: meter}, &hooks{
		data: func(l *loop, c *conn, b []byte) int { burn(); return echo(l, c, b) },
		work: func(*loop, int) bool { burn(); return false },
	})
	c, _ := n.connect()
	c.write("x")
	c.expect("x")
	eventually(t, "time spent reading", func() bool { return meter.Read().Reads >= spent })
	if s := meter.Read(); s.Accepts <= 0 || s.Accepts >= spent || s.Work >= spent {
		t.Errorf("got %+v after one connection that was read from for %v, want little else", s, spent)
	}
	reads := meter.Read().Reads
	n.Kick()
	eventually(t, "time spent working", func() bool { return meter.Read().Work >= spent })
	if s := meter.Read(); s.Reads != reads {
		t.Errorf("got %v of reads after a kick, want %v as before", s.Reads, reads)
	}
}
