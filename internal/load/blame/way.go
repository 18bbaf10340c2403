package blame

import "time"

// way cuts the way of a tick's last delivery into parts. A moment that is unknown, or before the one it follows, leaves its
// part empty and the time to the next one; nothing counts beyond the end.
type way struct {
	parts  Parts
	at     int64 // up to here the time is given to parts
	end    int64
	pauses []Collection // of the processes on the way
}

// until gives the time from where the way stands to a moment to parts: first to the collector, what it has taken of it,
// then to the causes in shares, in order, each at most what is left, and the rest to the last cause.
func (w *way) until(moment int64, rest Cause, shares ...share) {
	moment = min(moment, w.end)
	if moment <= w.at {
		return
	}
	left := moment - w.at
	paused := min(w.paused(w.at, moment), left)
	w.give(Pause, paused)
	left -= paused
	for _, s := range shares {
		n := min(max(s.of, 0), left)
		w.give(s.cause, n)
		left -= n
	}
	w.give(rest, left)
	w.at = moment
}

// share is what a part of the way spent on one thing, in nanoseconds.
type share struct {
	cause Cause
	of    int64
}

func (w *way) give(c Cause, ns int64) {
	if ns > 0 {
		w.parts[c] += float64(ns) / float64(time.Millisecond)
	}
}

// paused returns how long the collector had stopped a process between two moments.
func (w *way) paused(from, to int64) (ns int64) {
	for _, c := range w.pauses {
		ns += max(0, min(to, c.Ended)-max(from, c.Ended-c.Pause))
	}
	return ns
}

// verdict joins a tick with the gateway's records; it is not blamed yet. False: the gateway does not know it.
func (run *Run) verdict(x *index, t Tick) (Verdict, bool) {
	r, ok := x.route(t.Intended)
	if !ok {
		return Verdict{}, false
	}
	lag := max(t.Lag, 0)
	arrived := max(t.Last-lag, t.Intended) // in the client's socket
	if !run.Local {
		arrived = max(r.left(), t.Intended)
	}
	w := &way{parts: make(Parts), at: t.Intended, end: arrived, pauses: r.pauses}
	w.walk(r)
	w.until(arrived, r.beyond())
	w.give(Swarm, min(lag, t.Last-t.Intended))
	v := Verdict{
		Seq: t.Seq, Intended: time.Unix(0, t.Intended).UTC(), Worker: r.worker, Loop: -1, Parts: w.parts,
	}
	for _, ms := range w.parts {
		v.Late += ms
	}
	if p := r.pass; p != nil {
		v.Loop, v.Sends, v.Blocked = p.Loop, p.Sends, p.Blocked
	}
	return v, true
}

// walk goes the gateway's part of the way.
func (w *way) walk(r *route) {
	w.until(r.offered, Feed)
	w.until(r.first, Bus)
	w.until(r.served.Received, OffCPU) // others have it already: it is not the bus that holds it up
	w.until(r.served.Announced, Hub)
	p := r.pass
	if p == nil {
		return
	}
	w.until(p.Began, OffCPU, share{Accepts, p.Wait.Accepts + p.Wait.Reads}, share{Other, p.Wait.Timers + p.Wait.Work})
	if p.Ended > p.Began {
		idle := p.Ended - p.Began - p.CPU - w.paused(p.Began, p.Ended)
		w.until(p.Ended, FanOut, r.shares(idle, min(w.end, p.Ended)-p.Began)...)
	}
}

// assisted is the part of a pass, in percent, that the collector must have used for what the loop waited meanwhile to be
// the collector's doing too: a goroutine that owes it work and cannot do any waits until others have done it.
const assisted = 1

// shares are what the pass spent on other things than sending, in proportion to the part of it that counts. idle is how
// long the loop's thread did not run.
func (r *route) shares(idle, counts int64) []share {
	p, waited := r.pass, int64(0)
	if 100*r.assist >= assisted*(p.Ended-p.Began) {
		waited = min(idle, r.marking)
	}
	list := []share{
		{Assist, waited},
		{OffCPU, idle - waited},
		{Assist, r.assist},
		{Accepts, p.Busy.Accepts + p.Busy.Reads},
		{Other, p.Busy.Timers},
	}
	part := float64(max(counts, 0)) / float64(p.Ended-p.Began)
	for i := range list {
		list[i].of = int64(float64(max(list[i].of, 0)) * part)
	}
	return list
}
